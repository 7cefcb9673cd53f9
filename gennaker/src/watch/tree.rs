//! A run as a tree of its stages: what stands where, for how long, and why.

mod ways;
mod wrap;

use crate::screen::{Paint, Width};
use anstyle::{AnsiColor, Style};
use engine_core::{
    status::{RunStatus, StageStatus},
    view::{RunView, StageView},
    wording,
};
use jiff::Timestamp;
use wrap::wrapped;

/// How a tree is shown.
#[derive(Clone, Copy)]
pub(crate) struct Look {
    /// Whatever goes on counts its time up to now.
    pub(crate) now: Timestamp,
    pub(crate) paint: Paint,
    pub(crate) width: Width,
    /// A sentence has at most so many lines.
    pub(crate) most: usize,
}

/// The lines of one run.
pub(crate) fn lines(view: &RunView, look: Look) -> Vec<String> {
    let Look { now, paint, width, most } = look;
    let mut lines = head(view, look);
    for words in about(view) {
        lines.extend(wrapped(&words, ("│  ", width)));
    }
    let widest = |text: &dyn Fn(&(String, StageView)) -> usize| {
        view.stages.iter().map(text).max().unwrap_or_default()
    };
    let widths = (
        widest(&|(id, _)| id.chars().count()),
        widest(&|(_, stage)| stage.stage_type.chars().count()),
    );
    let last = view.stages.len().saturating_sub(1);
    for (index, (id, stage)) in view.stages.iter().enumerate() {
        let (branch, below) =
            if index == last { ("└─", "      ") } else { ("├─", "│     ") };
        let (painted, cells) = line((id, stage), widths, (now, paint));
        // A line is a line, whatever a cluster says.
        let words: Vec<&str> = stage.why.iter().flat_map(|why| why.lines()).collect();
        let words = words.join(" ");
        match width.has_room(cells + 2 + wrap::cells(&words)) {
            true => lines.push(format!("{branch} {painted}  {words}").trim_end().to_owned()),
            false => {
                lines.push(format!("{branch} {painted}").trim_end().to_owned());
                let all = wrapped(&words, (below, width));
                let left = all.len().saturating_sub(most);
                lines.extend(all.into_iter().take(most));
                if left > 0 {
                    lines.push(format!("{below}… `gennaker why {} {id}` says all", view.label()));
                }
            }
        }
        let ways = ways::of_stage(view, (id, stage));
        lines.extend(ways.iter().flat_map(|ways| wrapped(ways, (below, width))));
    }
    lines
}

/// What is to be told of the run as a whole.
fn about(view: &RunView) -> Vec<String> {
    let about = view.trigger.words().into_iter().chain(view.reason.clone());
    let about = about.chain(view.faults.iter().cloned());
    let taken = view.taken_from.iter();
    let taken = taken.map(|(environment, from)| wording::taken_back_words(environment, from));
    let images = view.images.iter();
    let images = images.map(|(reference, resolved)| wording::resolved_words(reference, resolved));
    let waiting = view.waiting.iter().map(|waiting| waiting.detail.clone());
    about.chain(taken).chain(images).chain(waiting).chain(ways::of_run(view)).collect()
}

fn head(view: &RunView, Look { now, paint, width, .. }: Look) -> Vec<String> {
    let RunView { id, application, status, .. } = view;
    let took = took(Some(&view.started_at), view.ended_at.as_deref(), now);
    let label = view.label();
    let whose = format!("application {application}  run {id}");
    let cells = wrap::cells(&format!("{label}  {status}  {took}  {whose}"));
    let head = format!("{label}  {}  {took}", painted(status.word(), run_colour(*status), paint));
    match width.has_room(cells) {
        true => vec![format!("{head}  {whose}")],
        false => vec![head, format!("│  {whose}")],
    }
}

/// The line of a stage without its words, and how wide it is with its branch.
fn line(
    (id, stage): (&str, &StageView),
    (id_width, type_width): (usize, usize),
    (now, paint): (Timestamp, Paint),
) -> (String, usize) {
    let (icon, colour) = look(stage);
    let status = format!("{:<11}", word(stage));
    let took = took(stage.started_at.as_deref(), stage.ended_at.as_deref(), now);
    let mut rest = format!("  {:<type_width$}  {took:>6}", stage.stage_type);
    if stage.attempts > 1 {
        rest.push_str(&format!("  attempt {}", stage.attempts));
    }
    let cells = wrap::cells(&format!("├─ {icon} {id:<id_width$}  {status}{rest}"));
    let (icon, status) = (painted(icon, colour, paint), painted(&status, colour, paint));
    (format!("{icon} {id:<id_width$}  {status}{rest}"), cells)
}

/// A stage that waits is running, unless it has not begun.
fn word(stage: &StageView) -> &'static str {
    match (stage.status, &stage.waiting) {
        (StageStatus::Running, Some(_)) => StageStatus::Waiting.word(),
        (status, _) => status.word(),
    }
}

fn look(stage: &StageView) -> (&'static str, Option<AnsiColor>) {
    match stage.status {
        StageStatus::Pending => ("·", None),
        StageStatus::Waiting => ("◷", Some(AnsiColor::Yellow)),
        StageStatus::Running => ("●", Some(AnsiColor::Blue)),
        StageStatus::RollingBack => ("↺", Some(AnsiColor::Yellow)),
        StageStatus::Stopping => ("◌", Some(AnsiColor::Yellow)),
        StageStatus::Succeeded => ("✔", Some(AnsiColor::Green)),
        StageStatus::Failed if stage.tolerated => ("⚠", Some(AnsiColor::Yellow)),
        StageStatus::Failed => ("✖", Some(AnsiColor::Red)),
        StageStatus::RolledBack => ("↺", Some(AnsiColor::Red)),
        StageStatus::Skipped => ("○", None),
        StageStatus::Omitted => ("⊝", None),
        StageStatus::Rejected => ("⊗", Some(AnsiColor::Red)),
        StageStatus::Cancelled => ("⊘", Some(AnsiColor::Yellow)),
    }
}

fn run_colour(status: RunStatus) -> Option<AnsiColor> {
    match status {
        RunStatus::Queued
        | RunStatus::Waiting
        | RunStatus::Paused
        | RunStatus::RollingBack
        | RunStatus::Cancelled => Some(AnsiColor::Yellow),
        RunStatus::Running => Some(AnsiColor::Blue),
        RunStatus::Succeeded => Some(AnsiColor::Green),
        RunStatus::Failed | RunStatus::RolledBack | RunStatus::Rejected | RunStatus::Invalid => {
            Some(AnsiColor::Red)
        }
    }
}

fn painted(text: &str, colour: Option<AnsiColor>, paint: Paint) -> String {
    match (paint, colour) {
        (Paint::Plain, _) | (Paint::Coloured, None) => text.to_owned(),
        (Paint::Coloured, Some(colour)) => {
            let style = Style::new().fg_color(Some(colour.into()));
            format!("{style}{text}{style:#}")
        }
    }
}

fn took(started_at: Option<&str>, ended_at: Option<&str>, now: Timestamp) -> String {
    let instant = |text: &str| text.parse::<Timestamp>().ok();
    let Some(started_at) = started_at.and_then(instant) else { return String::new() };
    let ended_at = ended_at.and_then(instant).unwrap_or(now);
    let took = ended_at.duration_since(started_at).as_millis();
    wording::duration(u64::try_from(took).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine_core::{repeat::TriggerView, status::WaitKind, view::WaitView};
    use std::collections::BTreeMap;

    fn stage(status: StageStatus) -> StageView {
        StageView {
            name: "name".to_owned(),
            stage_type: "deploy".to_owned(),
            status,
            attempts: 1,
            started_at: Some("2026-01-01T00:00:00.000Z".to_owned()),
            ended_at: None,
            waiting: None,
            reason: None,
            tolerated: false,
            why: None,
            usual: None,
        }
    }

    fn waiting(detail: &str) -> StageView {
        let waiting = WaitView {
            kind: WaitKind::Readiness,
            since: String::new(),
            until: None,
            detail: detail.to_owned(),
            blocked_by: Vec::new(),
            takes: Vec::new(),
        };
        let why = Some(detail.to_owned());
        StageView { waiting: Some(waiting), why, ..stage(StageStatus::Running) }
    }

    fn run(stages: Vec<(String, StageView)>) -> RunView {
        RunView {
            id: "01".to_owned(),
            number: 4,
            application: "shop".to_owned(),
            pipeline: "web".to_owned(),
            status: RunStatus::Running,
            warnings: 0,
            plan: String::new(),
            trigger: TriggerView {
                kind: "rerun".to_owned(),
                actor: "mo".to_owned(),
                repeats: Some("web#2".to_owned()),
                repeats_id: None,
                delivery: None,
            },
            started_at: "2026-01-01T00:00:00.000Z".to_owned(),
            ended_at: None,
            reason: None,
            faults: Vec::new(),
            waiting: None,
            parent: None,
            taken_from: BTreeMap::new(),
            images: BTreeMap::new(),
            stages,
        }
    }

    fn told(stages: Vec<(&str, StageView)>) -> Vec<String> {
        wide(stages, Width::Endless)
    }

    fn wide(stages: Vec<(&str, StageView)>, width: Width) -> Vec<String> {
        let stages = stages.into_iter().map(|(id, stage)| (id.to_owned(), stage)).collect();
        let now = "2026-01-01T00:01:12Z".parse().unwrap();
        lines(&run(stages), Look { now, paint: Paint::Plain, width, most: 2 })
    }

    #[test]
    fn every_stage_has_a_line_with_its_words_beside_its_icon() {
        let ended_at = Some("2026-01-01T00:00:40.000Z".to_owned());
        let done = StageView { ended_at, ..stage(StageStatus::Succeeded) };
        let pending = StageView { started_at: None, ..stage(StageStatus::Pending) };
        let told = told(vec![
            ("staging", done),
            ("prod", waiting("deployment web: 1 of 3 ready\nand more")),
            ("later", pending),
        ]);
        assert_eq!(
            told,
            [
                "web#4  running  1m 12s  application shop  run 01",
                "│  a rerun of web#2, asked for by mo",
                "├─ ✔ staging  succeeded    deploy     40s",
                "├─ ● prod     waiting      deploy  1m 12s  deployment web: 1 of 3 ready and more",
                "└─ · later    pending      deploy",
            ]
        );
    }

    #[test]
    fn what_does_not_fit_beside_a_stage_stands_below_it() {
        let long = "deployment web: pod web-1 waits for a node that has room for it and for others";
        let told = wide(vec![("prod", waiting(long)), ("x", waiting("short"))], Width::Cells(42));
        assert_eq!(
            told[3..],
            [
                "├─ ● prod  waiting      deploy  1m 12s",
                "│     deployment web: pod web-1 waits for",
                "│     a node that has room for it and for",
                "│     … `gennaker why web#4 prod` says all",
                "└─ ● x     waiting      deploy  1m 12s",
                "      short",
            ]
        );
    }

    #[test]
    fn what_waits_for_a_person_says_how_to_answer() {
        let mut approval = waiting("ship it?");
        approval.waiting.as_mut().unwrap().kind = WaitKind::Approval;
        let mut held = waiting("held");
        held.waiting.as_mut().unwrap().kind = WaitKind::Hold;
        let told = told(vec![("goLive", approval), ("prod[eu]", held), ("b", waiting("pods"))]);
        assert_eq!(told[3], "│     → gennaker approve web#4 goLive   (or reject)");
        let hold = "│     → gennaker retry web#4 'prod[eu]'   (or continue, roll-back, abort)";
        assert_eq!(told[5], hold);
        assert_eq!(told.len(), 7);
    }

    #[test]
    fn a_run_that_asks_as_a_whole_says_how_to_answer() {
        let mut asking = run(Vec::new());
        asking.waiting = waiting("does it go on?").waiting;
        asking.waiting.as_mut().unwrap().kind = WaitKind::Question;
        let now = "2026-01-01T00:01:12Z".parse().unwrap();
        let look = Look { now, paint: Paint::Plain, width: Width::Endless, most: 2 };
        let told = lines(&asking, look);
        let expected = ["│  does it go on?", "│  → gennaker answer yes web#4   (or answer no)"];
        assert_eq!(told[2..], expected);
    }

    #[test]
    fn a_run_that_is_invalid_says_which_file_is_broken_and_where() {
        let mut invalid = run(Vec::new());
        invalid.status = RunStatus::Invalid;
        invalid.reason = Some("web.yaml is broken at commit 1a2b3c4d5e".to_owned());
        invalid.faults = vec!["E001 3:1 unknown key `a`".to_owned(), "E016 4:2 b".to_owned()];
        let now = "2026-01-01T00:01:12Z".parse().unwrap();
        let look = Look { now, paint: Paint::Plain, width: Width::Endless, most: 2 };
        let expected = [
            "│  web.yaml is broken at commit 1a2b3c4d5e",
            "│  E001 3:1 unknown key `a`",
            "│  E016 4:2 b",
        ];
        assert_eq!(lines(&invalid, look)[2..], expected);
    }

    #[test]
    fn no_two_ends_look_alike() {
        let tolerated = StageView { tolerated: true, ..stage(StageStatus::Failed) };
        let ends = [
            StageStatus::Succeeded,
            StageStatus::Failed,
            StageStatus::RolledBack,
            StageStatus::Skipped,
            StageStatus::Omitted,
            StageStatus::Rejected,
            StageStatus::Cancelled,
        ];
        let mut icons: Vec<_> = ends.map(|status| look(&stage(status)).0).to_vec();
        icons.push(look(&tolerated).0);
        icons.sort_unstable();
        icons.dedup();
        assert_eq!(icons.len(), ends.len() + 1);
    }
}
