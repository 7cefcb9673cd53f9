//! What approvals ask for, and who reads it.

use crate::told;
use engine_core::diagnostic::Diagnostic;

/// The faults of a file whose approval `ask` asks for `inputs`, and whose stage `end` has this `when`.
fn faults(inputs: &str, when: &str) -> Vec<String> {
    let (file, told) = told(&format!(
        "version: 1\nname: shop\nstages:\n  ask: {{approval: {{inputs: {inputs}}}}}\n  end: {{needs: [ask], when: '{when}', wait: {{duration: 1m}}}}\n  far: {{approval: {{}}}}\n"
    ));
    let words = |it: &Diagnostic| {
        let at = file.position(it.primary.span.start);
        format!("{} {}:{} {}", it.code, at.line, at.column, it.message)
    };
    told.iter().map(words).collect()
}

const ASKED: &str = "{percent: {type: number}, region: {type: choice, options: [eu, us]}, dry-run: {type: boolean}, hosts: {type: list}}";

#[test]
fn what_is_read_of_an_approval_is_known_by_name_and_kind() {
    let read = "stages.ask.outputs.inputs";
    for (when, told) in [
        (format!("{read}.percent > 5 && {read}.region == \"eu\""), None),
        (format!("{read}[\"dry-run\"] && has({read}.hosts) && size({read}.hosts) > 1"), None),
        ("size(stages.ask.outputs.by) == 1".to_owned(), None),
        (format!("{read}.percent == \"5\""), Some("E005 5:29 a number and text are never equal")),
        (format!("{read}.region"), Some("E005 5:29 the condition is text, not true or false")),
        (
            format!("{read}.hosts > 1"),
            Some("E005 5:29 lists, maps and null are neither more nor less than others"),
        ),
        (format!("{read}.region.name == \"x\""), Some("E005 5:29 text has no `name`")),
        (format!("{read}.percnt > 5"), Some("E005 5:29 stage `ask` puts out no `percnt`")),
        (format!("has({read}.percnt)"), Some("E005 5:29 stage `ask` puts out no `percnt`")),
        (
            "stages.ask.outputs.percent > 5".to_owned(),
            Some("E005 5:29 stage `ask` puts out no `percent`"),
        ),
        (
            "stages.far.outputs.inputs.x > 5".to_owned(),
            Some("E006 5:29 stage `far` is not upstream of `end`"),
        ),
    ] {
        let expected: Vec<&str> = told.into_iter().collect();
        assert_eq!(faults(ASKED, &when), expected, "{when}");
    }
}

#[test]
fn inputs_are_declared_as_parameters_are() {
    for (inputs, told) in [
        ("{a: {type: choice}}", "E016 4:29 choice `a` lacks `options`"),
        (
            "{a: {type: number, default: x}}",
            "E016 4:29 the default of `a` does not fit: \"x\" is no number",
        ),
        (
            "{a: {type: number, default: 1, required: true}}",
            "E016 4:29 `a` is required and has a default",
        ),
        (
            "{a: {type: string, pattern: \"(\"}}",
            "E008 4:29 `pattern` of `a` is refused: it is no regular expression: error: unclosed group",
        ),
        ("{a: {type: text}}", "E016 4:39 `type` cannot be `text`"),
        ("{a: {tipe: string}}", "E001 4:33 unknown key `tipe`"),
        ("{A: {type: string}}", "E016 4:29 a stage\'s id cannot be `A`"),
        // Nothing of them is another one in another run, and least of all a secret.
        (
            "{a: {type: string, default: \"${{ run.id }}\"}}",
            "E005 4:56 `default` is the same in every run: no `${{ }}` here",
        ),
        (
            "{a: {type: string, default: \"${{ secrets.TOKEN }}\"}}",
            "E005 4:56 `default` is the same in every run: no `${{ }}` here",
        ),
    ] {
        let faults = faults(inputs, "true");
        assert!(faults.contains(&told.to_owned()), "{inputs}: {faults:?}");
    }
}
