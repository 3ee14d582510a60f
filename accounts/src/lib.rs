//! Users, devices, tokens, account data, receipts, typing and push rules.
