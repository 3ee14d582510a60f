//! Rocket.Chat's REST and DDP APIs.
