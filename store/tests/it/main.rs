//! One suite for every engine: redb, MongoDB (where `GANTRY_TEST_MONGODB_URI` names one), and an
//! engine that loses answers.

mod backup;
mod commits;
mod crash;
mod documents;
mod fixture;
mod mongodb_only;
mod nodes;
mod races;
mod restart;
mod scans;
mod streams;

/// Runs every test of the suite on every engine.
macro_rules! suite {
    ($($module:ident: $($name:ident),+;)+) => {
        suite!(@on redb $($module: $($name),+;)+);
        suite!(@on mongodb $($module: $($name),+;)+);
        suite!(@on torn $($module: $($name),+;)+);
    };
    (@on $engine:ident $($module:ident: $($name:ident),+;)+) => {
        mod $engine {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    crate::fixture::run(crate::fixture::Kind::$engine, async |fixture| {
                        crate::$module::$name(fixture).await;
                    })
                    .await;
                }
            )+)+
        }
    };
}

suite! {
    documents:
        a_document_is_stored_once_and_removed,
        reads_keep_the_order_of_keys,
        light_reads_leave_heavy_fields_out,
        every_unique_index_is_named,
        the_key_counts_before_the_indexes,
        documents_without_the_fields_are_not_in_an_index,
        values_are_free_again_after_their_document,
        put_reports_a_duplicate,
        put_if_replaces_only_the_expected_version,
        keys_of_another_length_are_refused;
    scans:
        prefixes_of_any_length_find_what_begins_so,
        ranges_of_keys_find_what_lies_between,
        index_scans_equal_a_sorted_list,
        dotted_and_mixed_width_fields_are_in_order,
        unknown_indexes_are_refused;
    races:
        of_many_inserts_one_wins,
        no_put_if_is_lost,
        each_document_is_taken_once;
    commits:
        a_batch_stops_at_its_first_conflict,
        batches_do_not_disturb_each_other,
        positions_follow_the_order_of_commits,
        each_number_is_borne_by_one_document,
        outcomes_are_what_is_stored,
        a_commit_outlives_its_caller;
    streams:
        the_cut_contains_what_returned_and_never_goes_back,
        changes_are_equal_from_memory_and_from_the_index,
        cuts_of_another_generation_are_refused;
    restart:
        everything_is_there_after_a_restart_and_numbers_go_on,
        a_deleted_document_does_not_give_its_number_back,
        another_schema_is_refused,
        a_closed_store_commits_nothing,
        a_second_owner_of_the_slot_ends_the_first;
    backup:
        a_backup_under_load_is_one_moment,
        a_restored_store_is_what_was_backed_up,
        a_damaged_backup_is_refused_before_anything_is_written,
        a_restore_that_did_not_end_is_not_opened,
        a_store_that_is_only_read_takes_no_slot;
    crash:
        a_crash_leaves_prefixes_and_its_numbers_are_filled;
}
