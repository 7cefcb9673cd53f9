//! The variables of the environment that come before keys of the platform's file.

use engine_core::{
    diagnostic::{Code, Diagnostic, SourceFile, Span},
    platform::{Platform, Variable},
};

/// What they say, each as a file of its name, and by number what is wrong with their names.
pub(super) fn read() -> (Vec<SourceFile>, Vec<(usize, Diagnostic)>) {
    let all = std::env::vars_os().filter_map(|(name, value)| {
        Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
    });
    let mut all: Vec<(String, String)> = all.collect();
    all.sort();
    let (mut files, mut faults) = (Vec::new(), Vec::new());
    for (name, value) in all {
        match Platform::variable(&name, &value) {
            Variable::Other => {}
            Variable::Says(file) => files.push(file),
            Variable::Unknown { help } => {
                let message = format!("variable {name} says no key of gennaker.yaml");
                let fault = Diagnostic::error(Code::E001, Span::at(0), message).help(help);
                faults.push((files.len(), fault));
                files.push(SourceFile::new(name, b"version: 1\n"));
            }
        }
    }
    (files, faults)
}
