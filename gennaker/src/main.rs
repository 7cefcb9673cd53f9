//! The program: command line and composition root.

fn main() {}
