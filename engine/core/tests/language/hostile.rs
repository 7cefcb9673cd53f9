//! Files that are made to hurt: whatever comes in, an answer comes out, and it points into the file.

use super::{compile, registry};
use engine_core::{
    Pipeline,
    diagnostic::{Code, Colour, Diagnostic, SourceFile, human, json},
};
use proptest::prelude::*;

const EXAMPLE: &str = "version: 1\nname: checkout\nx-wait: &wait {duration: 5s}\nstages:\n  \
    a: {environment: dev, deploy: {manifests: [k8s/], images: {shop: \"shop:1\"}}}\n  \
    b:\n    needs: [a, {stage: a, status: any}]\n    timeout: 15m\n    retry: {limit: 2}\n    \
    wait: *wait\n  c: {<<: {needs: [b]}, wait: {duration: 90s}}\n";

/// What mutations put in.
const PIECES: [&str; 32] = [
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "- ",
    "\n",
    "\r\n",
    "\r",
    "\t",
    "  ",
    "&a ",
    "*a",
    "*wait",
    "<<: ",
    "!!str ",
    "!",
    "---\n",
    "...\n",
    "${{",
    "${{ parameters.x }}",
    "}}",
    "when: ",
    "parameters: {x: {type: string}}\n",
    "\"",
    "'",
    "|\n",
    "\0",
    "\u{feff}",
    "é\u{202e}",
    "yes",
];

/// What every answer has, right or wrong.
fn check(content: &[u8]) {
    let (file, plan) = compile(content);
    let Err(faults) = plan else { return };
    assert!(!faults.is_empty());
    for fault in &faults {
        let labels = std::iter::once(&fault.primary).chain(&fault.secondary);
        for label in labels {
            assert!(label.span.start <= label.span.end && label.span.end <= file.text().len());
            assert!(file.text().is_char_boundary(label.span.start), "{fault:?}");
            assert!(file.text().is_char_boundary(label.span.end), "{fault:?}");
        }
    }
    assert!(faults.is_sorted_by_key(|fault: &Diagnostic| fault.primary.span.start));
    assert!(!human(&file, &faults, Colour::Never).contains(['\0', '\r', '\t', '\u{202e}']));
    assert_eq!(json(&file, &faults).len(), faults.len());
    for (fault, entry) in faults.iter().zip(json(&file, &faults)) {
        let at = file.position(fault.primary.span.start);
        assert_eq!((entry.line, entry.column), (at.line, at.column));
    }
}

proptest! {
    #[test]
    fn a_mutated_file_is_answered_and_every_fault_lies_within_it(
        mutations in prop::collection::vec((0..EXAMPLE.len(), 0..PIECES.len(), 0_usize..6), 1..8),
    ) {
        let mut content = EXAMPLE.as_bytes().to_vec();
        for (at, piece, removed) in mutations {
            let at = at.min(content.len());
            let end = (at + removed).min(content.len());
            content.splice(at..end, PIECES[piece].bytes());
        }
        check(&content);
    }

    #[test]
    fn any_bytes_are_answered(content in prop::collection::vec(any::<u8>(), 0..400)) {
        check(&content);
    }

    #[test]
    fn any_text_is_answered(content in "\\PC{0,200}") {
        check(content.as_bytes());
    }
}

fn codes(content: &[u8]) -> Vec<Code> {
    let (_, plan) = compile(content);
    plan.err().unwrap_or_default().iter().map(|fault| fault.code).collect()
}

fn alias_bomb(levels: usize, width: usize) -> String {
    let mut bomb = "x-0: &a0 [lol]\n".to_owned();
    for level in 1..levels {
        let aliases = vec![format!("*a{}", level - 1); width].join(", ");
        bomb.push_str(&format!("x-{level}: &a{level} [{aliases}]\n"));
    }
    bomb
}

#[test]
fn bombs_are_not_readable() {
    let bombs: [(&str, Vec<u8>); 14] = [
        ("flow maps", "{a: ".repeat(500_000).into_bytes()),
        ("flow maps within the size", "{a: ".repeat(100_000).into_bytes()),
        ("flow lists", "[".repeat(500_000).into_bytes()),
        ("block lists", "- ".repeat(200_000).into_bytes()),
        ("questions", "? ".repeat(200_000).into_bytes()),
        ("depth", format!("{}{}", "[".repeat(33), "]".repeat(33)).into_bytes()),
        ("aliases that multiply", alias_bomb(9, 9).into_bytes()),
        ("aliases of aliases", alias_bomb(40, 1).into_bytes()),
        ("many aliases", format!("x: &a b\ny: [{}]", "*a, ".repeat(101)).into_bytes()),
        (
            "long text by alias",
            format!("x: &a {}\ny: [*a, *a, *a]", "b".repeat(400_000)).into_bytes(),
        ),
        ("itself", b"x: &a [*a]".to_vec()),
        ("unknown alias", b"x: *a".to_vec()),
        ("NUL", b"version: 1\0".to_vec()),
        ("not UTF-8", b"version: \xff".to_vec()),
    ];
    for (name, bomb) in bombs {
        assert_eq!(codes(&bomb), [Code::E015], "{name}");
        check(&bomb);
    }
}

#[test]
fn a_file_may_use_its_limits() {
    let depth = format!("x-a: {}{}\n", "[".repeat(31), "]".repeat(31));
    let aliases = format!("x-b: &a b\nx-c: [{}]\n", "*a, ".repeat(100));
    let rest = "version: 1\nname: x\nstages: {a: {wait: {duration: 5s}}}\n";
    assert_eq!(codes(format!("{depth}{aliases}{rest}").as_bytes()), []);
    assert_eq!(codes(alias_bomb(4, 9).as_bytes()), [Code::E016]);
}

#[test]
fn of_thousands_of_faults_a_thousand_are_told_and_that_there_are_others() {
    let keys: String = (0..9_000).map(|index| format!("key-number-{index:030}: 1\n")).collect();
    let faults = codes(keys.as_bytes());
    assert_eq!(faults.len(), 1_001);
    assert_eq!(faults.last(), Some(&Code::E015));
    check(keys.as_bytes());
    let one_line = format!("{{{}}}", keys.replace('\n', ", "));
    assert_eq!(codes(one_line.as_bytes()).len(), 1_001);
    check(one_line.as_bytes());
}

#[test]
fn a_long_ring_and_many_unknown_needs_are_answered() {
    let stage = |index: usize| {
        format!(
            "  s{index:050}: {{needs: [s{:050}, t{index:050}], wait: {{duration: 5s}}}}\n",
            (index + 1) % 900
        )
    };
    let stages: String = (0..900).map(stage).collect();
    let text = format!("version: 1\nname: x\nstages:\n{stages}");
    let faults = codes(text.as_bytes());
    assert_eq!(faults.iter().filter(|code| **code == Code::E002).count(), 900);
    assert_eq!(faults.iter().filter(|code| **code == Code::E003).count(), 1);
    check(text.as_bytes());
}

/// A file that uses every limit of the stages is read and becomes a plan; one more is too much.
#[test]
fn a_pipeline_may_use_its_limits_and_no_more() {
    let with = |count: usize, body: &str| {
        let stages: String = (0..count).map(|n| format!("  s{n}: {body}\n")).collect();
        codes(format!("version: 1\nname: x\nstages:\n{stages}").as_bytes())
    };
    let parameters = |count: usize| {
        let declared: String = (0..count).map(|n| format!("  p{n}: {{type: number}}\n")).collect();
        let read = ["parameters.p0 == 1"; 3].join(" && ");
        let stages = format!("stages: {{a: {{when: \"{read}\", wait: {{duration: 5s}}}}}}\n");
        let text = format!("version: 1\nname: x\nparameters:\n{declared}{stages}");
        codes(text.as_bytes())
    };
    assert_eq!(with(1_000, "{wait: {duration: 5s}}"), []);
    assert_eq!(with(1_001, "{wait: {duration: 5s}}"), [Code::E015]);
    assert_eq!(parameters(100), []);
    assert_eq!(parameters(101), [Code::E015]);
    assert_eq!(with(1_000, "{when: 'run.number > 1', wait: {duration: 5s}}"), []);
    assert_eq!(with(501, "{when: 'true', wait: {duration: \"${{ '5s' }}\"}}"), [Code::E015]);
}

#[test]
fn reading_keeps_nothing_of_a_file_beyond_its_limit() {
    let file = SourceFile::new("p.yaml", &vec![b'a'; 4 * SourceFile::MAX_BYTES]);
    assert_eq!(file.text().len(), SourceFile::MAX_BYTES);
    let pipeline = Pipeline::read(&file, &registry());
    assert_eq!(pipeline.faults().len(), 1);
}
