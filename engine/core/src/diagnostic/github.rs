//! Diagnostics as workflow commands of GitHub Actions, which shows them beside the changed lines.
//!
//! The form is that of `::error file=…,line=…::message` in GitHub's documentation of workflow
//! commands.

use super::JsonDiagnostic;

/// One line a finding.
pub fn github(diagnostics: &[JsonDiagnostic]) -> String {
    diagnostics.iter().map(line).collect()
}

fn line(it: &JsonDiagnostic) -> String {
    let help = it.help.as_ref().map(|help| format!("\nhelp: {help}"));
    let message = data(&format!("{}{}", it.message, help.unwrap_or_default()));
    let (file, title) = (property(&it.file), property(it.code));
    let JsonDiagnostic { severity, line, column, end_line, end_column, .. } = it;
    format!(
        "::{severity} file={file},line={line},col={column},endLine={end_line},\
        endColumn={end_column},title={title}::{message}\n"
    )
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_can_begin_a_command_of_its_own() {
        let hostile = JsonDiagnostic {
            file: "a,b:c.yaml".to_owned(),
            line: 1,
            column: 2,
            end_line: 1,
            end_column: 3,
            code: "E001",
            severity: "error",
            message: "100%\n::set-output name=x::y\r\n".to_owned(),
            label: String::new(),
            help: Some("none".to_owned()),
        };
        let expected = "::error file=a%2Cb%3Ac.yaml,line=1,col=2,endLine=1,endColumn=3,title=E001::\
            100%25%0A::set-output name=x::y%0D%0A%0Ahelp: none\n";
        assert_eq!(github(&[hostile]), expected);
    }
}
