//! What is posted and never comes whole.

use super::{HOOKED, delivered, serving};
use crate::wire::{exchange, get, socket};
use std::{
    io::Write,
    time::{Duration, Instant},
};

/// Much more than there is place for is begun and never ended.
#[test]
fn a_body_that_is_never_whole_is_counted_by_what_it_lacks() {
    const MIB: usize = 1024 * 1024;
    let served = serving(&[("checkout.yaml", HOOKED)]);
    let door = "/hooks/shop/released";
    let head = |bytes: usize| {
        format!("POST {door} HTTP/1.1\r\nhost: x\r\ncontent-length: {bytes}\r\n\r\n")
    };
    let large = exchange(socket(&served.socket()), head(3 * MIB).as_bytes());
    assert_eq!(large.status, 413, "{large:?}");
    let mut cut = socket(&served.socket());
    cut.write_all(format!("{}half", head(MIB)).as_bytes()).unwrap();
    drop(cut);
    let (text, mut begun) = (vec![b'x'; 2 * MIB - 1], Vec::new());
    for _ in 0..40 {
        let mut stream = socket(&served.socket());
        stream.write_all(head(2 * MIB).as_bytes()).unwrap();
        // Who finds no place is shown out in the middle of what he says.
        drop(stream.write_all(&text));
        begun.push(stream);
    }
    let expected = ["brokenOff", "tooLarge", "tooMany", "tooSlow"];
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let told =
            exchange(socket(&served.socket()), get("/api/v1/refusals", "host: x\r\n").as_bytes());
        let told = told.json()["items"].as_array().unwrap().clone();
        let mut reasons: Vec<&str> = told.iter().filter_map(|it| it["reason"].as_str()).collect();
        reasons.sort_unstable();
        if reasons == expected {
            assert!(told.iter().all(|it| it["door"] == "hook shop/released"), "{told:#?}");
            break;
        }
        assert!(Instant::now() < deadline, "{told:#?}");
        std::thread::sleep(Duration::from_millis(50));
    }
    drop(begun);
    delivered(&served, r#"{"tag": "v7"}"#);
}
