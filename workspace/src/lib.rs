//! Rocket.Chat ids and workspace settings.
