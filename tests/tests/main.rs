//! The integration tests, one binary: what needs the whole program, the whole workspace or a cluster.

mod advisories;
mod api;
mod bombs;
mod children;
mod cluster;
mod config;
mod confines;
mod delivery;
mod doctor;
mod doors;
mod examples;
mod faults;
mod freezes;
mod http;
mod images;
mod imports;
mod inbox;
mod init;
mod jobs;
mod kills;
mod limits;
mod lists;
mod malformed;
mod newcomer;
mod outage;
mod people;
mod platform;
mod poison;
mod posted;
mod program;
mod pushed;
mod pushes;
mod recovery;
mod remote;
mod reruns;
mod retention;
mod rules;
mod schedules;
mod schema;
mod secrets;
mod server;
mod snapshots;
mod storms;
mod stream;
mod turns;
mod two_clusters;
mod warm;
mod ways_back;
mod why;
mod wire;
mod world;

// What the receivers are held to by themselves, for what is posted here.
#[path = "../../triggers/tests/published.rs"]
mod published;
#[path = "../../triggers/tests/request.rs"]
#[expect(dead_code, reason = "nothing is verified here but by the program")]
mod request;
#[path = "../../triggers/tests/rows.rs"]
mod rows;
