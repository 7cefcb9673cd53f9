//! `explain`: what a diagnostic's code means.

use crate::exit::Exit;
use anyhow::bail;
use engine_core::diagnostic::{Code, Example};

pub(crate) fn explain(wanted: Option<&str>) -> anyhow::Result<Exit> {
    let Some(wanted) = wanted else {
        Code::ALL.iter().for_each(|code| println!("{}", said(*code)));
        return Ok(Exit::Success);
    };
    match Code::ALL.iter().find(|code| code.word().eq_ignore_ascii_case(wanted)) {
        Some(code) => {
            let Example { wrong, right } = code.example();
            println!("{}\n\nWrong:\n\n{}", said(*code), indented(wrong));
            println!("Right:\n\n{}", indented(right));
        }
        None => {
            let known: Vec<&str> = Code::ALL.iter().map(|code| code.word()).collect();
            bail!("there is no code `{wanted}`: known are {}", known.join(" "))
        }
    }
    Ok(Exit::Success)
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

fn said(code: Code) -> String {
    format!("{code}: {}", code.explain())
}
