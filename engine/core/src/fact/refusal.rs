//! What was posted and left no delivery: who posts in vain is counted by door and reason, so that a
//! flood of it is one row.

use crate::{
    clock::Civil,
    delivery::Door,
    receiver::Refused,
    wording::{count, instant},
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// After so long without another, those that come are counted from one again.
const STREAK_MS: u64 = 24 * 60 * 60 * 1_000;

/// Posts by one door that were refused for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    pub door: Door,
    pub reason: RefusalReason,
    pub count: u64,
    pub first: Civil,
    pub last: Civil,
}

#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum RefusalReason {
    /// Nothing listens there.
    Nobody,
    /// The receiver is there, and none of its secrets has a value.
    NoSecret,
    NotSigned,
    Algorithm,
    BadSignature,
    Stale,
    /// It is theirs and not what they send.
    Unreadable,
    /// Its id was another delivery's.
    Conflict,
    /// More came in than is taken.
    TooMany,
    /// So much that was not proven came that nothing more of it was looked at.
    Unproven,
    /// Its body is larger than any is taken.
    TooLarge,
    /// Its body did not come in time.
    TooSlow,
    /// It ended before its body did.
    BrokenOff,
}

impl From<Refused> for RefusalReason {
    fn from(refused: Refused) -> RefusalReason {
        match refused {
            Refused::Missing => RefusalReason::NotSigned,
            Refused::Algorithm => RefusalReason::Algorithm,
            Refused::Bad => RefusalReason::BadSignature,
            Refused::Stale => RefusalReason::Stale,
        }
    }
}

impl RefusalReason {
    pub const ALL: [RefusalReason; 13] = [
        RefusalReason::Nobody,
        RefusalReason::NoSecret,
        RefusalReason::NotSigned,
        RefusalReason::Algorithm,
        RefusalReason::BadSignature,
        RefusalReason::Stale,
        RefusalReason::Unreadable,
        RefusalReason::Conflict,
        RefusalReason::TooMany,
        RefusalReason::Unproven,
        RefusalReason::TooLarge,
        RefusalReason::TooSlow,
        RefusalReason::BrokenOff,
    ];

    /// As it is stored.
    pub fn word(self) -> &'static str {
        match self {
            RefusalReason::Nobody => "nobody",
            RefusalReason::NoSecret => "noSecret",
            RefusalReason::NotSigned => "notSigned",
            RefusalReason::Algorithm => "algorithm",
            RefusalReason::BadSignature => "badSignature",
            RefusalReason::Stale => "stale",
            RefusalReason::Unreadable => "unreadable",
            RefusalReason::Conflict => "conflict",
            RefusalReason::TooMany => "tooMany",
            RefusalReason::Unproven => "unproven",
            RefusalReason::TooLarge => "tooLarge",
            RefusalReason::TooSlow => "tooSlow",
            RefusalReason::BrokenOff => "brokenOff",
        }
    }
}

impl fmt::Display for RefusalReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            RefusalReason::Nobody => "because nothing listens there",
            RefusalReason::NoSecret => "because none of its secrets has a value",
            RefusalReason::NotSigned => "because they were not signed",
            RefusalReason::Algorithm => "for a signature by an algorithm that is not taken",
            RefusalReason::BadSignature => "for a bad signature",
            RefusalReason::Stale => "for a signature of another time",
            RefusalReason::Unreadable => "because they could not be read",
            RefusalReason::Conflict => "because their id was another delivery's",
            RefusalReason::TooMany => "because more came in than is taken",
            RefusalReason::Unproven => "unread, after too many that were not proven",
            RefusalReason::TooLarge => "because they were too large",
            RefusalReason::TooSlow => "because their bodies did not come in time",
            RefusalReason::BrokenOff => "because they broke off",
        })
    }
}

/// `receiver github: 12 refused for a bad signature since …, the last …`.
impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Refusal { door, reason, count: posts, first, last } = self;
        let posts = count(usize::try_from(*posts).unwrap_or(usize::MAX));
        let (first, last) = (instant(*first), instant(*last));
        write!(formatter, "{door}: {posts} refused {reason} since {first}, the last at {last}")
    }
}

impl Refusal {
    /// One post.
    pub fn one(door: Door, reason: RefusalReason, at: Civil) -> Refusal {
        Refusal { door, reason, count: 1, first: at, last: at }
    }

    /// These and those before them, as one; those of long ago are another story.
    #[must_use]
    pub fn since(self, before: Option<&Refusal>) -> Refusal {
        match before {
            Some(before) if self.first.0.saturating_sub(before.last.0) <= STREAK_MS => Refusal {
                count: before.count.saturating_add(self.count),
                first: before.first.min(self.first),
                last: before.last.max(self.last),
                ..self
            },
            Some(_) | None => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_stored_under_the_word_that_it_has() {
        for reason in RefusalReason::ALL {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.word());
        }
    }

    #[test]
    fn those_of_a_day_ago_are_not_counted_with_those_of_today() {
        let one = |at| Refusal::one(Door::Nowhere, RefusalReason::Nobody, Civil(at));
        let both = one(1_000).since(Some(&one(500)));
        assert_eq!((both.count, both.first, both.last), (2, Civil(500), Civil(1_000)));
        let set_back = one(400).since(Some(&one(500)));
        assert_eq!((set_back.count, set_back.first, set_back.last), (2, Civil(400), Civil(500)));
        let later = one(500 + STREAK_MS + 1).since(Some(&one(500)));
        assert_eq!(later, one(500 + STREAK_MS + 1));
    }
}
