//! Rooms that members of another room may join.

use gantry_model::{ErrorKind, Object, RoomVersion};
use gantry_rooms::Membership;

use crate::house::Street;

#[tokio::test(flavor = "multi_thread")]
async fn members_of_the_named_room_join_with_our_signature() {
    for version in [RoomVersion::V10, RoomVersion::V12] {
        let street = Street::new();
        let (a, b) = (street.house().await, street.house().await);
        let (anna, ben) = (a.user("anna").await, b.user("ben").await);
        let club = a.public_room(version, &anna).await;
        let rules = format!(
            r#"{{"join_rule":"restricted","allow":[{{"type":"m.room_membership","room_id":"{club}"}}]}}"#
        );
        let room = a.room(version, &anna, &rules).await;

        let refused = b
            .calls
            .join(&room, &ben, std::slice::from_ref(&a.name), Object::new())
            .await;
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Forbidden);
        b.join(&club, &ben, &a).await;
        b.join(&room, &ben, &a).await;

        a.sees_membership(&room, &ben, Membership::Join).await;
        let text = b.say(&room, &ben, "in").await;
        a.receives(&room, &text).await;
        a.close().await;
        b.close().await;
    }
}
