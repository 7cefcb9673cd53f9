//! The engine is killed at random moments while it deploys; the audit log says what it did.
