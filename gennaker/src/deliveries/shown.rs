//! Deliveries on a terminal. What others have posted is only ever shown as text.

use super::{Listed, Receiver, Whole};
use crate::{print::Shown, screen::plain, table::Table};
use engine_core::view::{DeliveryView, OutcomeView, RefusalView};

/// What it says, in a few words.
fn what(delivery: &DeliveryView) -> String {
    let words = match (delivery.happenings.as_slice(), &delivery.event) {
        ([one], _) => one.clone(),
        ([first, more @ ..], _) => format!("{first} and {} more", more.len()),
        ([], Some(event)) => format!("event {event}"),
        ([], None) => "nothing that is known".to_owned(),
    };
    plain(&words)
}

impl Shown for Listed {
    fn table(&self) {
        table(&self.deliveries);
        self.refusals.iter().for_each(refused);
    }

    fn wide(&self) {
        wide(&self.deliveries);
        self.refusals.iter().for_each(refused);
    }

    fn names(&self) -> Vec<String> {
        self.deliveries.iter().map(|delivery| delivery.id.to_string()).collect()
    }
}

impl Shown for Receiver {
    fn table(&self) {
        if self.refusals.is_empty() {
            println!("{}: nothing was refused", plain(&self.name));
        }
        self.refusals.iter().for_each(refused);
        table(&self.deliveries);
    }

    fn names(&self) -> Vec<String> {
        self.deliveries.iter().map(|delivery| delivery.id.to_string()).collect()
    }
}

fn refused(refusal: &RefusalView) {
    println!("{}", plain(&refusal.why));
}

fn table(deliveries: &[DeliveryView]) {
    let mut table = Table::new(["ID", "AT", "DOOR", "WHAT", "WHY"]);
    for delivery in deliveries {
        let DeliveryView { id, at, door, why, .. } = delivery;
        table.row([&id.to_string(), at, &plain(door), &what(delivery), &plain(why)]);
    }
    table.print();
}

fn wide(deliveries: &[DeliveryView]) {
    let mut table = Table::new(["ID", "AT", "DOOR", "WHAT", "STATE", "TRIGGERS", "KEY", "WHY"]);
    for delivery in deliveries {
        let DeliveryView { id, at, door, state, outcomes, key, why, .. } = delivery;
        let (id, asked) = (id.to_string(), outcomes.len().to_string());
        let (door, what, key, why) = (plain(door), what(delivery), plain(key), plain(why));
        table.row([&id, at, &door, &what, state, &asked, &key, &why]);
    }
    table.print();
}

/// What one trigger said.
fn outcome(outcome: &OutcomeView) -> String {
    let OutcomeView { pipeline, trigger, end, run_id, why, .. } = outcome;
    let run = run_id.as_ref().map(|run| format!(" ({run})")).unwrap_or_default();
    plain(&format!("{pipeline}, trigger {trigger}: {end}: {why}{run}"))
}

/// Line by line, what came and what became of it.
pub(crate) fn lines(delivery: &DeliveryView) -> Vec<String> {
    let DeliveryView { id, door, key, at, event, why, .. } = delivery;
    let mut lines = vec![format!("delivery {id}: {}", plain(why))];
    lines.push(format!("  came     {at} by {}", plain(door)));
    lines.push(format!("  key      {}", plain(key)));
    let more =
        [("event", event), ("decided", &delivery.decided_at), ("asked by", &delivery.asked_by)];
    let more = more.iter().filter_map(|(title, text)| Some((title, text.as_ref()?)));
    lines.extend(more.map(|(title, text)| format!("  {title:<8} {}", plain(text))));
    let says = delivery.happenings.iter().map(|it| format!("  says     {}", plain(it)));
    lines.extend(says);
    lines.extend(delivery.outcomes.iter().map(|it| format!("  {}", outcome(it))));
    lines.extend(delivery.notes.iter().map(|note| format!("  note: {}", plain(note))));
    lines
}

impl Shown for Whole {
    fn table(&self) {
        lines(&self.delivery).iter().for_each(|line| println!("{line}"));
        if let Some(body) = &self.body {
            println!("  body");
            body.lines().for_each(|line| println!("    {}", plain(line)));
        }
    }

    fn names(&self) -> Vec<String> {
        vec![self.delivery.id.to_string()]
    }
}
