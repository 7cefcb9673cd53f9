//! What senders publish and what is wrong with it, posted to the whole program: every post has an
//! answer, and everything that is kept has a decision.

mod door;
mod mutated;
mod payloads;
mod table;
