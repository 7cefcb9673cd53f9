//! Files that nobody should write: each is answered, quickly and in little memory.

use crate::program::PROGRAM;
use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

const GOOD: &str = "version: 1\nname: good\nstages:\n  a: {wait: {duration: 1s}}\n  b: {needs: [a], timeout: 5m, retry: {limit: 2}, wait: {until: \"2030-01-01T00:00:00Z\"}}\n";
/// Memory of the program, in KiB: a file that wants more ends it, and the test. Half of it is the stack
/// on which expressions are looked at: it is set aside as a whole, and hardly used.
const MEMORY_KIB: u64 = 2 * 64 * 1024;
const COUNT: usize = 500;

fn files() -> Vec<Vec<u8>> {
    let mut files: Vec<Vec<u8>> = vec![
        "{a: ".repeat(512 * 1024).into_bytes(),
        "[".repeat(100_000).into_bytes(),
        b"\0".to_vec(),
        b"\xff\xfe\xfd".to_vec(),
        format!("\u{feff}{GOOD}zz: 1\n").into_bytes(),
        GOOD.replace('\n', "\r\n").replace("name: good", "name: no").into_bytes(),
        b"version: !!python/object 1\n".to_vec(),
        b"version: 1\nname: yes\nstages: on\n".to_vec(),
        b"a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c]\n".to_vec(),
    ];
    let good = GOOD.as_bytes();
    let marks: &[u8] = b"\0{}[]:,&*!|>'\"%@`\t\n-#?x9";
    for position in 0.. {
        if files.len() >= COUNT {
            return files;
        }
        let mut file = good.to_vec();
        let at = (position * 37) % file.len();
        match position % 4 {
            0 => file[at] = marks[position % marks.len()],
            1 => file.insert(at, marks[position % marks.len()]),
            2 => drop(file.remove(at)),
            _ => file.truncate(at),
        }
        files.push(file);
    }
    unreachable!("the loop returns")
}

#[test]
fn five_hundred_malformed_files_are_each_answered_without_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.yaml");
    let program = &*PROGRAM; // built before anything is timed
    let (mut slowest, mut invalid) = (Duration::ZERO, 0);
    for (number, file) in files().iter().enumerate() {
        std::fs::write(&path, file).unwrap();
        let started = Instant::now();
        let output = Command::new("sh")
            .args(["-c", "ulimit -d $1; exec \"$2\" validate \"$3\"", "sh"])
            .arg(MEMORY_KIB.to_string())
            .arg(program)
            .arg(&path)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        slowest = slowest.max(started.elapsed());
        match output.status.code() {
            Some(0) => {}
            Some(3) => invalid += 1,
            other => panic!("file {number} ended with {other:?}: {output:?}"),
        }
    }
    println!("{invalid} of {COUNT} refused, the slowest answered in {slowest:?}");
    assert!(invalid > COUNT / 2, "most mutations are faults: {invalid} were refused");
}
