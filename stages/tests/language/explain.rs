//! Every code has a file that shows it and one that is right, and what is said of the first is kept
//! beside this test. `UPDATE=1` writes it anew.

use crate::told;
use engine_core::diagnostic::{Code, Colour, Severity, human};
use std::path::PathBuf;

fn kept(code: Code) -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/language/explain");
    PathBuf::from(folder).join(format!("{code}.txt"))
}

#[test]
fn every_wrong_example_gives_just_its_code_as_it_is_written_down() {
    for code in Code::ALL {
        let (file, told) = told(code.example().wrong);
        let codes: Vec<Code> = told.iter().map(|it| it.code).collect();
        assert_eq!(codes, [*code], "{told:#?}");
        let shown = human(&file, &told, Colour::Never);
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(kept(*code), &shown).unwrap();
        }
        let written = std::fs::read_to_string(kept(*code)).unwrap_or_default();
        assert_eq!(shown, written, "{code}: `UPDATE=1` writes what is said now");
    }
}

#[test]
fn every_right_example_is_clean() {
    for code in Code::ALL {
        let (file, told) = told(code.example().right);
        assert!(told.is_empty(), "{code}:\n{}", human(&file, &told, Colour::Never));
    }
}

#[test]
fn whoever_breaks_a_rule_is_told_what_to_do() {
    for code in Code::ALL {
        let (_, told) = told(code.example().wrong);
        let says = told[0].help.is_some() || !told[0].primary.text.is_empty();
        // What the parser of YAML says stands for itself.
        assert!(says || *code == Code::E015, "{code} lacks a remedy: {}", told[0].message);
        assert!(told[0].severity == code.severity() && !code.explain().is_empty(), "{code}");
    }
}

#[test]
fn warnings_are_told_beside_faults_and_by_themselves_they_are_none() {
    let wrong = Code::W104.example().wrong;
    assert_eq!(told(wrong).1[0].severity, Severity::Warning);
    let both = wrong.replace("environment: staging", "enviroment: staging");
    let codes: Vec<Code> = told(&both).1.iter().map(|it| it.code).collect();
    assert_eq!(codes, [Code::E001, Code::E016, Code::W104]);
}
