//! State resolution and the authorization rules from outside.

mod corpus;
mod defects;
mod differential;
mod fixtures;
mod generator;
mod literal;
mod room;
mod ruma_event;
mod ruma_oracle;
mod scenarios;
mod third_party;
