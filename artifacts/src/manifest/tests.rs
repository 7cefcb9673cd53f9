//! Facts about reading manifest files.

use super::*;
use serde_json::json;

fn values(text: &str) -> Vec<Value> {
    read("k8s/web.yaml", text.as_bytes())
        .map(|objects| objects.into_iter().map(|object| object.value).collect())
        .unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn faults(text: impl AsRef<[u8]>) -> Vec<String> {
    match read("k8s/web.yaml", text.as_ref()) {
        Ok(objects) => panic!("read {} objects", objects.len()),
        Err(faults) => faults.iter().map(ToString::to_string).collect(),
    }
}

fn config_map(name: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n")
}

/// Reads one value as it stands in a manifest.
fn scalar(text: &str) -> Value {
    values(&format!("{}value: {text}\n", config_map("a")))[0]["value"].clone()
}

#[test]
fn scalars_mean_what_they_mean_to_kubectl() {
    let table = [
        ("0644", json!(420)),
        ("[0755]", json!([493])),
        ("0o17", json!(15)),
        ("0x1F", json!(31)),
        ("\"0644\"", json!("0644")),
        ("yes", json!(true)),
        ("off", json!(false)),
        ("'yes'", json!("yes")),
        ("1_000", json!(1000)),
        ("1.5", json!(1.5)),
        ("2020-01-02", json!("2020-01-02")),
        ("1.2.3", json!("1.2.3")),
        ("12:30", json!("12:30")),
        ("~", Value::Null),
        ("", Value::Null),
    ];
    for (text, value) in table {
        assert_eq!(scalar(text), value, "{text}");
    }
}

#[test]
fn empty_documents_are_skipped_and_separators_may_carry_comments() {
    let text = format!(
        "# only a comment\n---\n\n--- # second\n{}---\n# nothing\n---\n{}...\n---\n",
        config_map("a"),
        config_map("b")
    );
    let names: Vec<Value> =
        values(&text).iter().map(|value| value["metadata"]["name"].clone()).collect();
    assert_eq!(names, [json!("a"), json!("b")]);
}

#[test]
fn three_dashes_inside_a_text_cut_nothing() {
    let text = format!("{}data: {{}}\ntext: |\n  a\n  ---\n  b\n", config_map("a"));
    assert_eq!(values(&text)[0]["text"], json!("a\n---\nb\n"));
}

#[test]
fn lists_become_their_items() {
    let text = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: a}}\n- apiVersion: v1\n  kind: ConfigMapList\n  items: [{metadata: {name: b}}]\n";
    let kinds: Vec<Value> = values(text).iter().map(|value| value["kind"].clone()).collect();
    assert_eq!(kinds, [json!("Secret"), json!("ConfigMap")]);
}

#[test]
fn json_may_be_several_values_one_after_the_other() {
    let one =
        |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
    let text = format!("{}\n{:#}\n", one("a"), one("b\u{1f600}"));
    assert_eq!(values(&text), [one("a"), one("b\u{1f600}")]);
}

#[test]
fn carriage_returns_and_a_byte_order_mark_change_nothing() {
    let plain = values(&format!("{}---\n{}", config_map("a"), config_map("b")));
    let text = format!("{}---\n{}", config_map("a"), config_map("b")).replace('\n', "\r\n");
    assert_eq!(values(&format!("\u{feff}{text}")), plain);
}

#[test]
fn every_fault_of_a_file_is_told_with_its_place() {
    let text = format!(
        "{}---\nkind: Secret\nmetadata: {{name: 1}}\n---\na: [1\n---\n\n- x\n---\napiVersion: v1\nkind: Pod\nmetadata: {{generateName: x-}}\n",
        config_map("a")
    );
    let told = faults(text);
    let beginnings = [
        "k8s/web.yaml: document 2, line 5: `apiVersion` is missing",
        "k8s/web.yaml: document 2, line 5: `metadata.name` of this Secret is not a text",
        "k8s/web.yaml: document 3, line ",
        "k8s/web.yaml: document 4, line 11: not an object",
        "k8s/web.yaml: document 5, line 13: this Pod has a `generateName`",
    ];
    assert_eq!(told.len(), beginnings.len(), "{told:#?}");
    for (message, beginning) in told.iter().zip(beginnings) {
        assert!(message.starts_with(beginning), "{message} / {beginning}");
    }
}

#[test]
fn a_syntax_error_stands_on_the_line_of_the_file() {
    let text = format!("{}---\n# comment\nkind: Pod\nmetadata: {{name: [}}\n", config_map("a"));
    assert!(
        faults(&text)[0].starts_with("k8s/web.yaml: document 2, line 7: "),
        "{:?}",
        faults(&text)
    );
}

#[test]
fn a_key_that_stands_twice_is_a_fault_in_yaml_and_in_json() {
    let yaml = format!("{}data: {{a: x, a: y}}\n", config_map("a"));
    let json = r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"},
        "data": {"a": "x", "a": "y"}}"#;
    assert!(faults(yaml)[0].contains("line 4"));
    let told = faults(json);
    assert_eq!(
        told,
        ["k8s/web.yaml: document 1, line 2: key `a` stands twice in one map"],
        "{told:?}"
    );
}

#[test]
fn hostile_files_are_refused() {
    let deep = format!("a: {}{}", "[".repeat(200), "]".repeat(200));
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let reference = format!("*a{}", level - 1);
        bomb += &format!("a{level}: &a{level} [{}]\n", vec![reference; 9].join(", "));
    }
    let table: [(&str, Vec<u8>); 8] = [
        ("a large file", vec![b' '; MAX_FILE_BYTES + 1]),
        ("no text", vec![0xff, 0xfe, 0x00]),
        ("a deep value", deep.into_bytes()),
        ("a deep JSON value", "{\"a\":".repeat(200).into_bytes()),
        ("many open maps", "{a: ".repeat(50_000).into_bytes()),
        ("an alias bomb", bomb.into_bytes()),
        ("many documents", "---\na: b\n".repeat(MAX_DOCUMENTS + 1).into_bytes()),
        ("many values", format!("a: [{}]", "1,".repeat(MAX_NODES + 1)).into_bytes()),
    ];
    for (what, content) in table {
        let told = faults(&content);
        assert!(!told.is_empty(), "{what}");
        assert!(told[0].len() < 400, "{what}: {}", told[0]);
    }
}

mod properties {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "[-a-z0-9:{}\\[\\]\"'&*!|> \n#.]{0,200}") {
            let _outcome = read("fuzz.yaml", text.as_bytes());
        }

        #[test]
        fn documents_keep_their_line(before in prop::collection::vec("(#[a-z]{0,5})?", 0..5)) {
            let text = format!("{}\n---\nkind: Pod\n", before.join("\n"));
            let line = text.lines().position(|line| line == "kind: Pod").unwrap() + 1;
            let fault = faults(&text)[0].clone();
            let place = format!("document 1, line {line}: ");
            prop_assert!(fault.contains(&place), "{}", fault);
        }
    }
}
