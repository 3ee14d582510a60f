//! Names, pictures and other fields of users:
//! <https://spec.matrix.org/v1.19/client-server-api/#profiles>.

mod get_user_profile;
mod set_profile_field;

pub(crate) use get_user_profile::{get_profile_field, get_user_profile};
pub(crate) use set_profile_field::{delete_profile_field, set_profile_field};
