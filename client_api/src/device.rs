//! Devices of the user.

mod delete_devices;
mod get_devices;
mod update_device;

pub(crate) use delete_devices::{delete_device, delete_devices};
pub(crate) use get_devices::{get_device, get_devices};
pub(crate) use update_device::update_device;
