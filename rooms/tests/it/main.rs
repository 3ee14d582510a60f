//! The room engine on a real store in a temporary folder.

mod forks;
mod house;
mod log;
mod timeline;
