//! What to go back to, as a table and as properties.

use super::*;
use engine_core::{
    clock::Now,
    id::{BlobName, RunId},
    revision::{ComponentSet, Origin},
};
use proptest::prelude::*;

fn run(number: u128) -> RunId {
    RunId(uuid::Uuid::from_u128(number))
}

const ME: Asker<'static> = Asker { run: RunId(uuid::Uuid::from_u128(9)), stage: "back" };

/// `number run component content proof`, one revision a line.
fn history(lines: &str) -> Vec<Revision> {
    lines.lines().map(str::trim).filter(|line| !line.is_empty()).map(revision).collect()
}

fn revision(line: &str) -> Revision {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [number, of_run, component, content, proof] = words[..] else { panic!("{line}") };
    let proof = match proof {
        "good" => Proof::Good,
        "bad" => Proof::Bad,
        "unproven" => Proof::Unproven,
        other => panic!("{other}"),
    };
    Revision {
        number: number.parse().expect(line),
        run: run(of_run.parse().expect(line)),
        stage: "deploy".to_owned(),
        at: Now::default(),
        set: ComponentSet {
            component: component.to_owned(),
            content: BlobName(content.to_owned()),
            images: BTreeMap::new(),
            further_images: BTreeSet::new(),
            readiness: engine_core::revision::Readiness::Awaited,
            origin: Origin::Deploy,
        },
        proof,
    }
}

fn chosen(revisions: &[Revision], to: To, component: Option<&str>) -> Result<String, String> {
    let returns = choose(revisions, ME, (to, component)).map_err(|error| error.to_string())?;
    let words = returns
        .iter()
        .map(|(name, back)| format!("{name} {}->{}", back.left.number, back.to.number));
    Ok(words.collect::<Vec<_>>().join(", "))
}

#[test]
fn last_good_is_the_newest_good_set_of_another_run_that_is_not_live() {
    let table = [
        ("1 1 main A good\n2 2 main B bad", "main 2->1"),
        ("1 1 main A good\n2 2 main B good", "main 2->1"),
        ("1 1 main A good\n2 2 main B bad\n3 3 main C unproven", "main 3->1"),
        ("1 1 main A good\n2 2 main B good\n3 3 main B bad", "main 3->1"),
        ("1 1 main A good\n2 2 main B good\n3 9 main C unproven", "main 3->2"),
        ("1 1 main A good\n2 9 main B good\n3 9 main C unproven", "main 3->1"),
        ("1 1 main A good\n1 1 side S good\n2 2 main B bad", "main 2->1"),
        (
            "1 1 main A good\n1 1 side S good\n2 2 main B bad\n2 2 side T bad",
            "main 2->1, side 2->1",
        ),
    ];
    for (lines, expected) in table {
        assert_eq!(chosen(&history(lines), To::LastGood, None), Ok(expected.to_owned()), "{lines}");
    }
}

#[test]
fn nowhere_to_go_is_told() {
    let table = [
        ("", To::LastGood, None, "nothing was ever deployed"),
        ("1 1 main A good", To::LastGood, None, "no good revision"),
        ("1 1 main A bad\n2 2 main B bad", To::LastGood, None, "no good revision"),
        ("1 9 main A good\n2 9 main B bad", To::LastGood, None, "no good revision"),
        ("1 1 main A good\n2 2 main A good", To::LastGood, None, "no good revision"),
        ("1 1 main A good", To::Previous, None, "no previous revision"),
        ("1 1 main A good", To::Number(7), None, "revision 7 does not exist"),
        ("1 1 main A good", To::LastGood, Some("side"), "it has `main`"),
        ("1 1 main A good\n2 1 side A good", To::Number(1), Some("side"), "older than everything"),
    ];
    for (lines, to, component, words) in table {
        let error = chosen(&history(lines), to, component).expect_err(lines);
        assert!(error.contains(words), "{lines}: {error}");
    }
}

#[test]
fn previous_and_numbers_do_not_look_at_marks() {
    let lines = "1 1 main A good\n2 2 main B bad\n2 2 side S bad\n3 3 main C good\n4 4 main C good";
    let revisions = history(lines);
    assert_eq!(chosen(&revisions, To::Previous, None), Ok("main 4->2".to_owned()));
    assert_eq!(chosen(&revisions, To::Number(2), None), Ok("main 4->2, side 2->2".to_owned()));
    assert_eq!(chosen(&revisions, To::Number(1), None), Ok("main 4->1".to_owned()));
    assert_eq!(chosen(&revisions, To::Number(3), Some("side")), Ok("side 2->2".to_owned()));
}

#[test]
fn a_further_attempt_chooses_as_the_first_one_did() {
    let mut revisions = history("1 1 main A good\n2 2 main B bad\n3 9 main A good");
    revisions[2].stage = "back".to_owned();
    assert_eq!(chosen(&revisions, To::LastGood, None), Ok("main 2->1".to_owned()));
}

#[test]
fn to_go_to_what_is_newer_than_the_live_set_is_to_go_forward() {
    let mut revisions =
        history("1 1 main A good\n2 2 main B good\n3 3 main A good\n4 4 main A good");
    revisions[2].set.origin = Origin::Rollback { of: 1, left: 2 };
    revisions[3].set.origin = Origin::Rollback { of: 3, left: 3 };
    let went = |to: To| {
        let returns = choose(&revisions, ME, (to, None)).unwrap();
        forward(&revisions, &returns).into_iter().collect::<Vec<_>>()
    };
    let to_b = [("main".to_owned(), run(2))];
    for to in [To::LastGood, To::Previous, To::Number(2)] {
        assert_eq!(went(to), to_b, "{to:?}: what is live is A, the first set");
    }
    assert_eq!(went(To::Number(1)), []);
    let before = history("1 1 main A good\n2 2 main B good");
    let returns = choose(&before, ME, (To::LastGood, None)).unwrap();
    assert!(forward(&before, &returns).is_empty());
}

fn any_history() -> impl Strategy<Value = Vec<Revision>> {
    let proof = prop_oneof![Just("good"), Just("bad"), Just("unproven")];
    let line = (1..12u32, "[ab]", "[A-D]", proof);
    prop::collection::vec(line, 0..12).prop_map(|lines| {
        let numbered = lines.into_iter().enumerate();
        numbered
            .map(|(index, (run, component, content, proof))| {
                revision(&format!("{} {run} {component} {content} {proof}", index + 1))
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn last_good_holds_for_every_history(revisions in any_history()) {
        let returns = choose(&revisions, ME, (To::LastGood, None)).unwrap_or_default();
        for component in ["a", "b"] {
            let history: Vec<&Revision> =
                revisions.iter().filter(|revision| revision.set.component == component).collect();
            let live = history.last();
            let good = history.iter().filter(|revision| {
                revision.proof == Proof::Good
                    && revision.run != ME.run
                    && live.is_some_and(|live| live.set.content != revision.set.content)
            });
            let expected = good.max_by_key(|revision| revision.number);
            prop_assert_eq!(returns.get(component).map(|back| back.to), expected.copied());
            prop_assert_eq!(
                returns.get(component).map(|back| back.left),
                expected.and(live.copied())
            );
        }
    }
}

#[test]
fn a_number_before_the_newest_is_no_way_back_once_others_before_it_are_gone() {
    let line = |number: u64| format!("{number} {number} main C{number} good");
    let all: Vec<String> = (1..=14).map(line).collect();
    assert_eq!(chosen(&history(&all.join("\n")), To::Number(3), None), Ok("main 14->3".to_owned()));
    let kept = history(&[&all[..1], &all[2..]].concat().join("\n"));
    assert_eq!(chosen(&kept, To::Number(5), None), Ok("main 14->5".to_owned()));
    let refused = chosen(&kept, To::Number(3), None).unwrap_err();
    assert!(refused.starts_with("revision 3 is no longer kept whole"), "{refused}");
}
