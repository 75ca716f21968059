//! A Lambda function's way from an event to its answer.
