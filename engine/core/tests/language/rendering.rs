//! The forms in which faults are shown.

use super::compile;
use engine_core::diagnostic::{Colour, human, json};

fn shown(text: &str) -> String {
    let (file, plan) = compile(text.as_bytes());
    human(&file, &plan.err().unwrap_or_default(), Colour::Never)
}

#[test]
fn a_fault_is_shown_with_its_line_a_caret_and_a_remedy() {
    let text = "version: 1\nname: shop\nstages:\n  goLive: {wait: {duration: 5s}}\n\n\n\n\n\n  \
        prod: {needs: [go-live], wait: {duration: 5s}}\n";
    let expected = "\
error[E002]: stage `prod` needs unknown stage `go-live`
   ┌─ p.yaml:10:18
10 │   prod: {needs: [go-live], wait: {duration: 5s}}
   │                  ^^^^^^^ no stage has this id
   = help: did you mean `goLive` (line 4)?

1 error in p.yaml
";
    assert_eq!(shown(text), expected);
}

#[test]
fn further_places_are_shown_under_the_first() {
    let text = "version: 1\nname: shop\nname: x\nstages: {a: {wait: {duration: 5s}}}\n";
    let expected = "\
error[E013]: the key `name` stands twice
  ┌─ p.yaml:3:1
3 │ name: x
  │ ^^^^ the second time
2 │ name: shop
  │ ---- the first time
  = help: remove one of the two

1 error in p.yaml
";
    assert_eq!(shown(text), expected);
}

#[test]
fn wide_tabbed_and_invisible_characters_keep_the_caret_in_its_place() {
    let text =
        "version: 1\nname: \"漢\\e\u{202e}\"\t# \u{1f600}\nstages: {a: {wait: {duration: 5s}}}\n";
    let drawn = shown(text);
    let lines: Vec<&str> = drawn.lines().collect();
    assert_eq!(lines[0], "error[E016]: `name` cannot be `漢␛�`");
    assert_eq!(lines[2], "2 │ name: \"漢\\e�\" # \u{1f600}");
    assert_eq!(lines[3], "  │       ^^^^^^^");
    assert!(!drawn.contains(['\u{202e}', '\u{1b}', '\t']));
}

#[test]
fn wide_characters_before_a_place_move_its_caret() {
    let text =
        "version: 1\nname: shop\nstages: {a: {name: 漢字, colour: 1, wait: {duration: 5s}}}\n";
    let drawn = shown(text);
    let lines: Vec<&str> = drawn.lines().collect();
    assert_eq!(lines[1], "  ┌─ p.yaml:3:24");
    assert_eq!(lines[3], format!("  │ {}^^^^^^", " ".repeat(19 + 4 + 2)));
}

#[test]
fn a_byte_order_mark_is_no_character_to_machines_either() {
    let (file, plan) = compile("\u{feff}{a: 1, b: 2}".as_bytes());
    let written = json(&file, &plan.unwrap_err());
    let columns: Vec<usize> = written.iter().map(|entry| entry.column).collect();
    assert_eq!(columns, [1, 2, 8]);
}

#[test]
fn what_a_stage_type_says_is_drawn_without_what_moves_the_cursor() {
    let text = "version: 1\nname: shop\nstages: {a: {environment: x, deploy: \
        {manifests: [k8s], images: {\"a\\tb\\e[2J\": x}}}}\n";
    assert!(shown(text).starts_with("error[E017]: `a b␛[2J` matches no image\n"));
}

#[test]
fn a_long_line_is_cut_around_the_place() {
    let text =
        format!("version: 1\nname: shop\n{}: 1, {}: 2\n", "k".repeat(900), "v".repeat(400_000));
    let drawn = shown(&format!(
        "{{version: 1, name: shop, x-a: \"{text}\", colour: red, y: [{}]}}",
        "z, ".repeat(9_000)
    ));
    assert!(drawn.len() < 4_000, "{} bytes: {}", drawn.len(), &drawn[..2_000]);
    assert!(drawn.contains("colour: red"), "{drawn}");
}

#[test]
fn a_file_that_is_too_large_is_told_in_a_few_hundred_bytes() {
    let drawn = shown(&"{a: ".repeat(500_000));
    assert!(drawn.starts_with("error[E015]: the file is larger than 512 KiB"), "{drawn}");
    assert!(drawn.len() < 600, "{drawn}");
}

#[test]
fn of_many_faults_the_rest_is_counted() {
    let keys: String = (0..150).map(|index| format!("k{index}: 1\n")).collect();
    let drawn = shown(&format!(
        "version: 1\nname: shop\n{keys}stages: {{a: {{wait: {{duration: 5s}}}}}}\n"
    ));
    assert!(
        drawn.ends_with("\nand 50 more\n150 errors in p.yaml\n"),
        "{}",
        &drawn[drawn.len() - 200..]
    );
}

#[test]
fn colours_come_only_when_they_are_asked_for() {
    let (file, plan) = compile(b"{}");
    let faults = plan.unwrap_err();
    assert!(human(&file, &faults, Colour::Always).contains("\u{1b}[1;31merror[E016]\u{1b}[0m"));
    assert!(!human(&file, &faults, Colour::Never).contains('\u{1b}'));
}

#[test]
fn machines_read_the_same_with_stable_names() {
    let (file, plan) = compile("version: 1\nname: shop\nstages: {é: 1}\n".as_bytes());
    let written = serde_json::to_value(json(&file, &plan.unwrap_err())).unwrap();
    let expected = serde_json::json!([
        {
            "file": "p.yaml", "line": 3, "column": 10, "endLine": 3, "endColumn": 11,
            "code": "E016", "severity": "error", "message": "a stage's id cannot be `é`",
            "label": "",
            "help": "an id begins with `a` to `z` and has at most 63 letters, digits and `-`",
        },
        {
            "file": "p.yaml", "line": 3, "column": 13, "endLine": 3, "endColumn": 14,
            "code": "E016", "severity": "error",
            "message": "`é` must be a map, not a number", "label": "", "help": null,
        },
    ]);
    assert_eq!(written, expected);
}
