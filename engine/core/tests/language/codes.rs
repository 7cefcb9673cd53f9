//! Every code has a file that shows it, with its place and what to do.

use super::compile;
use engine_core::diagnostic::{Code, Diagnostic};

/// What follows the name, and the code that it shows.
const FILES: &[(Code, &str)] = &[
    (Code::E001, "stages: {a: {wait: {duration: 5s}, tiemout: 5m}}"),
    (
        Code::E002,
        "stages: {goLive: {wait: {duration: 5s}}, b: {needs: [goLife], wait: {duration: 5s}}}",
    ),
    (
        Code::E003,
        "stages: {a: {needs: [b], wait: {duration: 5s}}, b: {needs: [a], wait: {duration: 5s}}}",
    ),
    (Code::E005, "stages: {a: {when: parameters.x, wait: {duration: 5s}}}"),
    (
        Code::E006,
        "stages: {a: {wait: {duration: 5s}}, b: {when: stages.a.status == 'x', wait: {duration: 5s}}}",
    ),
    (Code::E008, "stages: {a: {wait: {duration: 5}}}"),
    (Code::E011, "stages: {a: {environment: x, deploy: {manifests: [nowhere/]}}}"),
    (Code::E013, "stages: {a: {wait: {duration: 5s}}, a: {wait: {duration: 5s}}}"),
    (Code::E014, "stages: {a: {}}"),
    (Code::E015, "stages: {a: [}"),
    (Code::E016, "stages: {a: {wait: {duration: 5s}, onFailure: yes}}"),
    (
        Code::E018,
        "stages: {a: {environment: x, deploy: {manifests: [k8s]}}, b: {environment: x, deploy: {manifests: [k8s]}}}",
    ),
];

/// Shown where their parts are at home: by whoever gives parameters, and by the deploy stage.
const ELSEWHERE: [Code; 2] = [Code::E004, Code::E017];

fn faults(text: &str) -> Vec<Diagnostic> {
    let text = format!("version: 1\nname: shop\n{text}\n");
    compile(text.as_bytes()).1.err().unwrap_or_default()
}

#[test]
fn every_code_has_a_file_that_shows_it_with_its_place() {
    for (code, text) in FILES {
        let faults = faults(text);
        let codes: Vec<Code> = faults.iter().map(|fault| fault.code).collect();
        assert_eq!(codes, [*code], "{text}: {faults:#?}");
        assert!(faults[0].primary.span.start >= "version: 1\nname: shop\n".len(), "{code}");
        assert!(!faults[0].message.is_empty() && !code.explain().is_empty(), "{code}");
    }
    let shown: Vec<Code> = FILES.iter().map(|(code, _)| *code).chain(ELSEWHERE).collect();
    let missing: Vec<&Code> = Code::ALL.iter().filter(|code| !shown.contains(code)).collect();
    assert!(missing.is_empty(), "no file shows {missing:?}");
}

#[test]
fn whoever_breaks_a_rule_is_told_what_to_do() {
    for (code, text) in FILES {
        let fault = &faults(text)[0];
        let says = fault.help.is_some() || !fault.primary.text.is_empty();
        // What the parser of YAML says stands for itself.
        assert!(says || *code == Code::E015, "{code} lacks a remedy: {}", fault.message);
    }
}
