//! Whose answers count, and what they must give.

use super::*;
use engine_core::event::Way;

fn person(name: &str) -> Actor {
    Actor { name: name.to_owned(), way: Way::CommandLine }
}

fn answer(name: &str) -> Signalled {
    Signalled::new(Signal::Approve, person(name), "")
}

fn refused(config: serde_json::Value, name: &str, before: &[Signalled]) -> String {
    let config: Config = serde_json::from_value(config).unwrap();
    let starter = person("mo");
    let asked = Asked { starter: &starter, signals: before, application: "web", environments: &[] };
    match Stage::refusal(&Approval::default(), &config, &asked, &answer(name)) {
        Refusal::None => String::new(),
        Refusal::Because(reason) | Refusal::Unfit(reason) => reason,
    }
}

#[test]
fn nobody_approves_their_own_run_unless_its_author_lets_them() {
    let named = json!({"approvers": ["user:mo", "user:kit"]});
    for (config, name, told) in [
        (json!({}), "mo", "mo started the run, so somebody else must answer"),
        (json!({}), "kit", ""),
        (json!({"excludeTriggerer": false}), "mo", ""),
        (named.clone(), "mo", "mo started the run, so kit must answer"),
        (named.clone(), "kit", ""),
        (named, "eve", "eve is none of the approvers: kit"),
        (
            json!({"approvers": ["user:mo"]}),
            "mo",
            "mo started the run, so nobody on its list must answer",
        ),
    ] {
        assert_eq!(refused(config.clone(), name, &[]), told, "{config} {name}");
    }
}

#[test]
fn nobody_counts_twice() {
    assert_eq!(refused(json!({}), "kit", &[answer("kit")]), "kit has answered already");
}

fn yes(name: &str, inputs: serde_json::Value) -> Signalled {
    Signalled { inputs: serde_json::from_value(inputs).unwrap(), ..answer(name) }
}

fn judged(config: serde_json::Value, before: &[Signalled], yes: &Signalled) -> Refusal {
    let config: Config = serde_json::from_value(config).unwrap();
    let starter = person("mo");
    let asked = Asked { starter: &starter, signals: before, application: "web", environments: &[] };
    Stage::refusal(&Approval::default(), &config, &asked, yes)
}

fn asking() -> serde_json::Value {
    json!({"minimum": 2, "inputs": {
        "percent": {"type": "number", "required": true, "description": "of all pods"},
        "region": {"type": "choice", "options": ["eu", "us"], "default": "eu"},
        "ticket": {"type": "string", "pattern": "CH-[0-9]+"},
        "hosts": {"type": "list"},
    }})
}

#[test]
fn a_yes_gives_what_is_asked_for_and_is_told_everything_that_is_wrong() {
    for (inputs, told) in [
        (json!({"percent": "10"}), ""),
        (json!({"percent": 10, "region": "us", "ticket": "CH-7", "hosts": ["a", "b"]}), ""),
        (json!({}), "`percent` (a number; of all pods) is missing"),
        (json!({"percent": "many"}), "`percent`: `many` is no number"),
        (json!({"percent": true}), "`percent`: true is no number"),
        (
            json!({"percnt": 1, "region": "asia", "ticket": "7", "hosts": {"a": 1}}),
            "`hosts`: {\"a\":1} is no list of texts; `percent` (a number; of all pods) is missing; \
             `region`: `asia` is none of eu, us; `ticket`: `7` does not match `CH-[0-9]+`; there is \
             no input `percnt`, did you mean `percent`?",
        ),
        (
            json!({"percent": 1, "ticket": "x".repeat(9_000)}),
            "the inputs have 9025 bytes, 8192 may be",
        ),
    ] {
        let expected = match told {
            "" => Refusal::None,
            told => Refusal::Unfit(told.to_owned()),
        };
        assert_eq!(judged(asking(), &[], &yes("kit", inputs.clone())), expected, "{inputs}");
    }
    let none = judged(json!({}), &[], &yes("kit", json!({"percent": 1})));
    let words = "there is no input `percent`: none is asked for";
    assert_eq!(none, Refusal::Unfit(words.to_owned()));
}

#[test]
fn all_who_say_yes_say_it_to_the_same_values() {
    let first = yes("kit", json!({"percent": 10}));
    for (second, told) in [
        (yes("ann", json!({"percent": "10", "region": "eu"})), ""),
        (Signalled { signal: Signal::Reject, ..answer("ann") }, ""),
        (
            yes("ann", json!({"percent": 50})),
            "kit said yes to percent=10, region=eu, and this is percent=50, region=eu: all must say \
             yes to the same, or one no",
        ),
    ] {
        let expected = match told {
            "" => Refusal::None,
            told => Refusal::Unfit(told.to_owned()),
        };
        assert_eq!(judged(asking(), std::slice::from_ref(&first), &second), expected);
    }
    // Answers that crossed were both recorded: the later one does not count, and may come again.
    let crossed = [first, yes("ann", json!({"percent": 50}))];
    assert_eq!(judged(asking(), &crossed, &yes("ann", json!({"percent": 10}))), Refusal::None);
    let twice = judged(asking(), &crossed, &yes("kit", json!({"percent": 10})));
    assert_eq!(twice, Refusal::Because("kit has answered already".to_owned()));
}

#[test]
fn the_sentence_that_asks_says_for_what() {
    let config: Config = serde_json::from_value(asking()).unwrap();
    let values = config.values(&yes("kit", json!({"percent": 10}))).unwrap();
    assert_eq!(
        config.detail(&person("mo"), (&["kit"], &values)),
        "1 of 2 approvals (kit: percent=10, region=eu); somebody else may answer, giving hosts \
         (texts, joined by commas; may be left out), percent (a number; of all pods), region (eu or \
         us; eu if not given), ticket (a text; may be left out)"
    );
}
