//! One transaction at a time: claims, abort, events, shutting down.
