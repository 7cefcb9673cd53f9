use super::*;
use proptest::prelude::*;

fn everything() -> Vec<TagFilter> {
    vec![TagFilter::Any]
}

fn tags(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| format!("1.0.{number}")).collect()
}

fn told(tags: &[String]) -> Digests {
    tags.iter().map(|tag| (tag.clone(), Told::Digest(format!("sha256:{tag}")))).collect()
}

/// A look at these tags, each of which the registry tells the digest of.
fn look(filters: &[TagFilter], last: Option<&TagCursor>, listed: &[String]) -> Found {
    look_told(filters, last, (listed, &told(listed)))
}

fn look_told(
    filters: &[TagFilter],
    last: Option<&TagCursor>,
    (listed, digests): (&[String], &Digests),
) -> Found {
    let mut poll = TagPoll::new(filters, last);
    for page in listed.chunks(7) {
        poll.page(page.to_vec()).unwrap();
    }
    poll.finish(digests, &BTreeMap::new(), None)
}

fn names(found: &Found) -> Vec<&str> {
    found.findings.iter().map(|finding| finding.tag.as_str()).collect()
}

#[test]
fn the_first_sight_of_a_repository_finds_nothing() {
    let first = look(&everything(), None, &tags(0..50));
    assert_eq!(first.findings, []);
    assert_eq!(look(&everything(), Some(&first.cursor), &tags(0..50)).findings, []);
    let empty = look(&everything(), None, &[]);
    assert_eq!(names(&look(&everything(), Some(&empty.cursor), &tags(0..1))), ["1.0.0"]);
}

#[test]
fn a_thousand_new_tags_lose_nothing_and_come_in_their_order() {
    let filters = [TagFilter::semver(">=1").unwrap()];
    let first = look(&filters, None, &tags(0..3));
    let second = look(&filters, Some(&first.cursor), &tags(0..1_003));
    assert_eq!(names(&second), tags(3..1_003));
    assert!(second.findings.iter().all(|it| it.change == Change::New && it.filters == [0]));
    assert_eq!(look(&filters, Some(&second.cursor), &tags(0..1_003)).findings, []);
}

#[test]
fn a_new_tag_of_which_nothing_is_known_yet_is_new_the_next_time() {
    let first = look(&everything(), None, &tags(0..3));
    let listed = tags(0..6);
    let partly = told(&tags(0..4));
    let mut poll = TagPoll::new(&[TagFilter::Any], Some(&first.cursor));
    poll.page(listed.clone()).unwrap();
    let etag = Validators { etag: Some("x".to_owned()), last_modified: None };
    let second = poll.finish(&partly, &BTreeMap::new(), Some(etag));
    assert_eq!(names(&second), ["1.0.3"]);
    assert_eq!(second.cursor.validators, None, "or the list would not be read again");
    assert_eq!(names(&look(&everything(), Some(&second.cursor), &listed)), ["1.0.4", "1.0.5"]);
}

#[test]
fn a_tag_that_stands_for_something_else_is_found_with_what_it_stood_for() {
    let listed = ["edge".to_owned()];
    let digests =
        |digest: &str| Digests::from([("edge".to_owned(), Told::Digest(digest.to_owned()))]);
    let first = look_told(&everything(), None, (&listed, &digests("a")));
    let second = look_told(&everything(), Some(&first.cursor), (&listed, &digests("b")));
    let change = Change::Moved { from: "a".to_owned() };
    assert_eq!(
        second.findings,
        [Finding { tag: "edge".to_owned(), digest: "b".to_owned(), change, filters: vec![0] }]
    );
    let unasked = look_told(&everything(), Some(&second.cursor), (&listed, &Digests::new()));
    assert_eq!(unasked.findings, []);
    let back = look_told(&everything(), Some(&unasked.cursor), (&listed, &digests("a")));
    assert_eq!(names(&back), ["edge"], "what was not told stays as it was");
    let void = Digests::from([("edge".to_owned(), Told::Nothing)]);
    assert_eq!(look_told(&everything(), Some(&back.cursor), (&listed, &void)).findings, []);
}

#[test]
fn a_tag_that_looks_as_if_it_moved_is_watched_among_any_number_of_versions() {
    let mut listed = tags(0..500);
    listed.push("latest".to_owned());
    let first = look(&everything(), None, &listed);
    listed.extend(tags(500..900));
    let second = look(&everything(), Some(&first.cursor), &listed);
    let mut digests = told(&listed);
    digests.insert("latest".to_owned(), Told::Digest("other".to_owned()));
    let third = look_told(&everything(), Some(&second.cursor), (&listed, &digests));
    assert_eq!(names(&third), ["latest"]);
}

#[test]
fn a_list_that_did_not_change_is_remembered_whole_and_its_watched_tags_may_move() {
    let first = look(&everything(), None, &tags(0..100));
    let poll = TagPoll::new(&[TagFilter::Any], Some(&first.cursor)).unchanged(&first.cursor);
    let watched = poll.watched();
    assert_eq!(watched.len(), WATCHED);
    let moved = watched.first().unwrap().clone();
    let digests = Digests::from([(moved.clone(), Told::Digest("other".to_owned()))]);
    let second = poll.finish(&digests, &BTreeMap::new(), None);
    assert_eq!(names(&second), [moved]);
    assert_eq!(second.cursor.known, first.cursor.known);
}

#[test]
fn a_filter_that_is_new_makes_no_old_tag_new() {
    let first = look(&[TagFilter::regex("edge").unwrap()], None, &tags(0..5));
    let both = [TagFilter::regex("edge").unwrap(), TagFilter::semver(">=1").unwrap()];
    let second = look(&both, Some(&first.cursor), &tags(0..5));
    assert_eq!(second.findings, []);
    let third = look(&both, Some(&second.cursor), &tags(0..6));
    assert_eq!((names(&third), &third.findings[0].filters), (vec!["1.0.5"], &vec![1]));
}

#[test]
fn of_new_images_the_newest_is_found_and_only_if_it_is_newer_than_what_was_there() {
    let filters = [TagFilter::newest(None).unwrap()];
    let time = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
    let look = |last: Option<&TagCursor>, all: &[(&str, &str)]| {
        let listed: Vec<String> = all.iter().map(|(tag, _)| (*tag).to_owned()).collect();
        let mut poll = TagPoll::new(&filters, last);
        poll.page(listed.clone()).unwrap();
        let digests = told(&listed);
        let dated = poll.dated(&digests);
        let built = all.iter().filter(|(tag, _)| dated.contains(*tag));
        let built = built.map(|(tag, built)| ((*tag).to_owned(), time(built))).collect();
        poll.finish(&digests, &built, None)
    };
    let mut there = vec![("a", "2024-01-01T00:00:00Z")];
    let first = look(None, &there);
    there.push(("b", "2023-01-01T00:00:00Z"));
    let second = look(Some(&first.cursor), &there);
    assert_eq!(second.findings, [], "an old build under a new name is not the newest");
    there.extend([("c", "2024-03-01T00:00:00Z"), ("d", "2024-02-01T00:00:00Z")]);
    let third = look(Some(&second.cursor), &there);
    assert_eq!(names(&third), ["c"]);
    assert_eq!(look(Some(&third.cursor), &there).findings, []);
}

#[test]
fn what_is_remembered_is_bounded_and_survives_being_stored() {
    let mut poll = TagPoll::new(&[], None);
    assert_eq!(poll.page(tags(0..MAX_TAGS)), Ok(()));
    assert_eq!(poll.page(vec!["one more".to_owned()]), Err(TooMany));
    let cursor = look(&everything(), None, &tags(0..30)).cursor;
    let stored = serde_json::to_string(&cursor).unwrap();
    assert_eq!(serde_json::from_str::<TagCursor>(&stored).unwrap(), cursor);
    assert!(stored.len() < 4_000, "{}", stored.len());
}

proptest! {
    /// Whatever comes and goes between looks, and whatever is told late: each tag that was not there
    /// at the last look and stays is found exactly once.
    #[test]
    fn every_new_tag_is_found_exactly_once(
        looks in proptest::collection::vec((0_u32..64, any::<u64>()), 1..12)
    ) {
        let all = tags(0..64);
        let mut cursor: Option<TagCursor> = None;
        let (mut there, mut found_ever): (BTreeSet<String>, BTreeSet<String>) = Default::default();
        for (size, lacking) in looks {
            let now: Vec<String> = all.iter().take(size as usize).cloned().collect();
            let digests = told(&now).into_iter().enumerate();
            let digests: Digests = digests.filter(|(at, _)| (lacking >> (at & 63)) & 1 == 0).map(|(_, it)| it).collect();
            let found = look_told(&[TagFilter::Any], cursor.as_ref(), (&now, &digests));
            let first = cursor.is_none();
            let expected: BTreeSet<String> = now.iter()
                .filter(|tag| !first && !there.contains(*tag) && digests.contains_key(*tag))
                .cloned().collect();
            let names: BTreeSet<String> = found.findings.iter().map(|it| it.tag.clone()).collect();
            prop_assert_eq!(names.len(), found.findings.len());
            prop_assert_eq!(&names, &expected);
            found_ever.extend(names);
            there = now.into_iter().filter(|tag| first || there.contains(tag) || digests.contains_key(tag)).collect();
            cursor = Some(found.cursor);
        }
    }
}
