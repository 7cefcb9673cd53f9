//! What freezes of the platform's files hold, and how they are refused.

use crate::{
    clock::Civil,
    diagnostic::SourceFile,
    person::{Actor, Way},
    platform::{Case, FileFaults, Platform, Verdict},
};

const FILE: &str = r#"version: 1
environments:
  prod-eu: {cluster: c, labels: {tier: critical}}
  prod-us: {cluster: c}
  dev: {cluster: c}
sources:
  - {directory: shop, applications: [shop], environments: ["*"], labels: {freeze-exempt: "true"}}
  - {directory: pay, applications: ["pay*"], environments: ["*"], labels: {team: payments}}
freezes: ["freezes/*.yaml"]
"#;
const YEAR_END: &str = r#"version: 1
kind: freeze
name: year-end
type: deny
scope: {environments: ["prod*"], exclude: {applicationLabels: {freeze-exempt: "true"}}}
windows:
  - {start: "2026-12-19T00:00", end: "2027-01-04T06:00", timezone: Europe/Berlin}
message: "Ask #sre."
"#;
const HOURS: &str = r#"version: 1
kind: freeze
name: hours
type: allow
scope: {environmentLabels: {tier: critical}}
windows:
  - {schedule: "0 8 * * 1-5", until: "18:00", timezone: Europe/Berlin}
appliesTo: [deploy]
"#;

fn read(freezes: &[&str]) -> Result<Platform, Vec<FileFaults>> {
    let files = [FILE].iter().chain(freezes).enumerate();
    let files: Vec<SourceFile> =
        files.map(|(at, text)| SourceFile::new(format!("{at}.yaml"), text.as_bytes())).collect();
    Platform::read_all(&files)
}

fn case(stage_type: &str, application: &str, environment: &str) -> Case {
    Case {
        stage: "go".to_owned(),
        stage_type: stage_type.to_owned(),
        environment: environment.to_owned(),
        application: application.to_owned(),
        place: None,
        starter: Actor { name: "mo".to_owned(), way: Way::Socket },
        origin: None,
        prior: Vec::new(),
        answers: Vec::new(),
    }
}

fn civil(instant: &str) -> Civil {
    let at: jiff::Timestamp = instant.parse().unwrap();
    Civil(u64::try_from(at.as_millisecond()).unwrap())
}

/// Monday noon within the year-end, and before it.
const WITHIN: &str = "2026-12-21T11:00:00Z";
const BEFORE: &str = "2026-12-14T11:00:00Z";

#[test]
fn what_a_freeze_concerns_is_held_and_nothing_else() {
    let platform = read(&[YEAR_END, HOURS]).unwrap();
    for (stage_type, application, environment, at, is_held) in [
        ("deploy", "pay", "prod-us", WITHIN, true),
        ("job", "pay", "prod-us", WITHIN, true),
        ("deploy", "pay", "prod-us", BEFORE, false),
        ("deploy", "pay", "dev", WITHIN, false),
        // A way back is never held.
        ("rollback", "pay", "prod-us", WITHIN, false),
        // Exempt by the label of its source, which nobody's pipeline can give itself.
        ("deploy", "shop", "prod-us", WITHIN, false),
        ("deploy", "nobodys", "prod-us", WITHIN, true),
        // Allowed from eight to six on working days.
        ("deploy", "shop", "prod-eu", BEFORE, false),
        ("deploy", "shop", "prod-eu", "2026-12-14T17:00:00Z", true),
        ("job", "shop", "prod-eu", "2026-12-14T17:00:00Z", false),
    ] {
        let verdict = case(stage_type, application, environment).admit(&platform, civil(at));
        let held = matches!(verdict, Verdict::Frozen { .. });
        assert_eq!(held, is_held, "{stage_type} {application} {environment} {at}: {verdict:?}");
    }
}

#[test]
fn who_is_held_is_told_until_when_and_by_what() {
    let platform = read(&[YEAR_END, HOURS]).unwrap();
    for (environment, at, told, opens) in [
        (
            "prod-us",
            WITHIN,
            "held by freeze `year-end` until 2027-01-04 06:00 in Europe/Berlin: Ask #sre.",
            "2027-01-04T05:00:00Z",
        ),
        (
            "prod-eu",
            "2026-12-11T17:00:00Z",
            "held until 2026-12-14 08:00 in Europe/Berlin: freeze `hours` allows changes only in its \
             windows",
            "2026-12-14T07:00:00Z",
        ),
        // Both: it opens when neither holds it.
        (
            "prod-eu",
            WITHIN,
            "held by freeze `year-end` until 2027-01-04 08:00 in Europe/Berlin: Ask #sre.",
            "2027-01-04T07:00:00Z",
        ),
    ] {
        let verdict = case("deploy", "pay", environment).admit(&platform, civil(at));
        let expected = Verdict::Frozen { detail: told.to_owned(), opens: Some(civil(opens)) };
        assert_eq!(verdict, expected, "{environment} {at}");
    }
}

#[test]
fn a_broken_freeze_is_refused_with_all_its_faults_and_their_places() {
    let broken = r#"version: 1
kind: freeze
name: broken
type: deny
windows:
  - {schedule: "0 25 * * *", until: "06:00", timezone: Europe/Berlinn}
  - {rrule: "FREQ=MONTHLY", at: "18:00", duration: 6h, timezone: UTC}
"#;
    let told = read(&[YEAR_END, broken]).unwrap_err();
    let [FileFaults { file: 2, faults }] = told.as_slice() else { panic!("{told:?}") };
    let messages: Vec<&str> = faults.iter().map(|it| it.message.as_str()).collect();
    assert_eq!(messages.len(), 3, "{messages:?}");
    for (message, begin) in messages.iter().zip(["`schedule`", "`timezone`", "`rrule`: it hangs"]) {
        assert!(message.starts_with(begin), "{message}, not {begin}");
    }
}

#[test]
fn what_would_hold_nothing_is_refused() {
    let no_kind = YEAR_END.replace("kind: freeze\n", "");
    let other_kind = YEAR_END.replace("kind: freeze", "kind: thaw");
    let later = YEAR_END.replace("message:", "onStart: pause\nmessage:");
    let no_window = YEAR_END.replace("windows:\n  - {start: \"2026-12-19T00:00\", end: \"2027-01-04T06:00\", timezone: Europe/Berlin}", "windows: []");
    let misspelled = YEAR_END.replace("scope: {environments", "scope: {environment");
    let rollback = YEAR_END.replace("message:", "appliesTo: [rollback]\nmessage:");
    let cases: [&[&str]; 8] = [
        &[],
        &[&no_kind],
        &[&other_kind],
        &[&later],
        &[&no_window],
        &[&misspelled],
        &[&rollback],
        &[YEAR_END, YEAR_END],
    ];
    for freezes in cases {
        assert!(read(freezes).is_err(), "{freezes:?}");
    }
    assert!(read(&[YEAR_END]).is_ok());
}

#[test]
fn without_a_file_nothing_is_held() {
    let verdict = case("deploy", "shop", "prod").admit(&Platform::Open, civil(WITHIN));
    assert_eq!(verdict, Verdict::Unguarded);
}
