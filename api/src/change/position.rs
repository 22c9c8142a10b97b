//! Places in the change log.
//!
//! On SQLite, which has one writer, a place is the last revision. In PostgreSQL the order of a sequence is not the
//! order of commits: a row with a lower revision may become visible later. There a place is what PostgreSQL itself
//! calls a snapshot: which transactions had committed at one instant
//! (<https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-PG-SNAPSHOT>).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// What has been read of the change log: what had been committed at one instant of the database.
///
/// Its text form is for the wire and the database, and means something only beside the database it came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Position(Place);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// SQLite: every revision up to this one.
    Revision(i64),
    /// PostgreSQL: what this snapshot sees.
    Snapshot(TransactionSnapshot),
}

/// PostgreSQL's `pg_snapshot`: transactions below `xmin` have ended, those from `xmax` on had not begun to end, and
/// those between have ended unless they are listed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct TransactionSnapshot {
    xmin: u64,
    xmax: u64,
    /// In ascending order.
    in_progress: Vec<u64>,
}

/// One commit that wrote to the change log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommittedChange(Commit);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Commit {
    Revision(i64),
    Transaction(u64),
}

/// The text is no position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a position in the change log")]
pub struct BadPosition;

impl Position {
    /// Everything up to this revision of a SQLite database.
    #[must_use]
    pub(super) const fn revision(revision: i64) -> Self {
        Self(Place::Revision(revision))
    }

    /// The revision, on SQLite.
    pub(super) const fn as_revision(&self) -> Option<i64> {
        match &self.0 {
            Place::Revision(revision) => Some(*revision),
            Place::Snapshot(_) => None,
        }
    }

    /// Reads PostgreSQL's text of a snapshot, `xmin:xmax:` and what is in progress, separated by commas.
    pub(super) fn snapshot(text: &str) -> Result<Self, BadPosition> {
        let snapshot = TransactionSnapshot::parse(text).ok_or(BadPosition)?;
        Ok(Self(Place::Snapshot(snapshot)))
    }

    /// PostgreSQL's text of the snapshot, on PostgreSQL.
    pub(super) fn as_snapshot(&self) -> Option<String> {
        match &self.0 {
            Place::Revision(_) => None,
            Place::Snapshot(snapshot) => Some(snapshot.to_string()),
        }
    }

    /// Whether what was read at this position holds the commit's effect.
    ///
    /// Both must come from the same database; of different kinds of databases the answer is no.
    #[must_use]
    pub fn includes(&self, committed: &CommittedChange) -> bool {
        match (&self.0, committed.0) {
            (Place::Revision(read), Commit::Revision(written)) => written <= *read,
            (Place::Snapshot(snapshot), Commit::Transaction(transaction)) => snapshot.sees(transaction),
            (Place::Revision(_), Commit::Transaction(_)) | (Place::Snapshot(_), Commit::Revision(_)) => false,
        }
    }

    /// Whether all that had been committed at `other` had been committed here, too.
    ///
    /// Both must come from the same database; of different kinds of databases the answer is no.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Place::Revision(here), Place::Revision(there)) => here >= there,
            (Place::Snapshot(here), Place::Snapshot(there)) => here.covers(there),
            (Place::Revision(_), Place::Snapshot(_)) | (Place::Snapshot(_), Place::Revision(_)) => false,
        }
    }

    /// Whether the database may have gone from `earlier` to here. It cannot have gone backwards: then it is another
    /// one, or a copy from before.
    pub(super) fn can_follow(&self, earlier: &Self) -> bool {
        match (&self.0, &earlier.0) {
            (Place::Revision(now), Place::Revision(then)) => now >= then,
            (Place::Snapshot(now), Place::Snapshot(then)) => now.xmin >= then.xmin && now.xmax >= then.xmax,
            (Place::Revision(_), Place::Snapshot(_)) | (Place::Snapshot(_), Place::Revision(_)) => false,
        }
    }
}

impl TransactionSnapshot {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let (xmin, xmax) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let listed = parts.next()?;
        let in_progress = if listed.is_empty() {
            Vec::new()
        } else {
            listed.split(',').map(|id| id.parse().ok()).collect::<Option<_>>()?
        };
        let is_ordered = in_progress.is_sorted() && xmin <= xmax;
        (parts.next().is_none() && is_ordered).then_some(Self {
            xmin,
            xmax,
            in_progress,
        })
    }

    /// What this one does not see, the other one does not see either.
    fn covers(&self, other: &Self) -> bool {
        let later = other.xmax.saturating_sub(self.xmax);
        let in_progress_later = other.in_progress.iter().filter(|id| **id >= self.xmax).count();
        self.in_progress.iter().all(|id| !other.sees(*id)) && u64::try_from(in_progress_later) == Ok(later)
    }

    fn sees(&self, transaction: u64) -> bool {
        transaction < self.xmin || (transaction < self.xmax && self.in_progress.binary_search(&transaction).is_err())
    }
}

impl CommittedChange {
    pub(crate) const fn revision(revision: i64) -> Self {
        Self(Commit::Revision(revision))
    }

    pub(crate) const fn transaction(id: u64) -> Self {
        Self(Commit::Transaction(id))
    }
}

impl fmt::Display for TransactionSnapshot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}:", self.xmin, self.xmax)?;
        for (index, id) in self.in_progress.iter().enumerate() {
            let separator = if index == 0 { "" } else { "," };
            write!(formatter, "{separator}{id}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Revision(revision) => write!(formatter, "{revision}"),
            Place::Snapshot(snapshot) => snapshot.fmt(formatter),
        }
    }
}

impl FromStr for Position {
    type Err = BadPosition;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(revision) => Ok(Self::revision(revision)),
            Err(_) => Self::snapshot(text),
        }
    }
}

impl From<Position> for String {
    fn from(position: Position) -> Self {
        position.to_string()
    }
}

impl TryFrom<String> for Position {
    type Error = BadPosition;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_covers_another_when_it_sees_all_that_the_other_sees() {
        let at = |text: &str| text.parse::<Position>().unwrap();
        for (here, there, covers) in [
            ("7", "7", true),
            ("8", "7", true),
            ("7", "8", false),
            ("10:20:10,14", "10:20:10,14", true),
            ("10:20:10,14", "10:20:10,14,19", true),
            ("10:20:10,14,19", "10:20:10,14", false),
            ("20:20:", "10:20:10,14", true),
            ("10:20:10", "12:18:14", false),
            ("10:20:10,14", "14:22:14,20,21", false),
            ("10:20:14", "14:22:14,20,21", true),
            ("14:20:14", "14:22:14,20", false),
            ("7", "10:20:", false),
            ("10:20:", "7", false),
        ] {
            assert_eq!(at(here).covers(&at(there)), covers, "{here} {there}");
        }
    }

    #[test]
    fn a_position_reads_as_it_is_written() {
        for text in ["0", "42", "10:10:", "10:20:10,14,19"] {
            assert_eq!(text.parse::<Position>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "x",
            "10",
            "10:20",
            "20:10:",
            "10:20:14,",
            "10:20:14,10",
            "10:20::",
            "-1:5:",
        ] {
            assert!(Position::snapshot(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_snapshot_sees_what_had_ended() {
        let position = Position::snapshot("10:20:10,14").unwrap();
        let seen = |id| position.includes(&CommittedChange::transaction(id));
        assert!([1, 9, 11, 13, 15, 19].into_iter().all(seen));
        assert!(![10, 14, 20, 21].into_iter().any(seen));
        assert!(!position.includes(&CommittedChange::revision(1)));
    }

    #[test]
    fn a_revision_holds_those_before_it() {
        let position = Position::revision(7);
        assert!(position.includes(&CommittedChange::revision(7)));
        assert!(!position.includes(&CommittedChange::revision(8)));
        assert!(!position.includes(&CommittedChange::transaction(1)));
    }

    #[test]
    fn no_database_goes_backwards() {
        let snapshot = |text| Position::snapshot(text).unwrap();
        assert!(snapshot("12:20:12").can_follow(&snapshot("10:20:10,12")));
        assert!(snapshot("10:20:10").can_follow(&snapshot("10:20:10")));
        assert!(!snapshot("10:19:10").can_follow(&snapshot("10:20:10")));
        assert!(!snapshot("9:20:9").can_follow(&snapshot("10:20:10")));
        assert!(!snapshot("10:20:10").can_follow(&Position::revision(1)));
        assert!(Position::revision(2).can_follow(&Position::revision(2)));
        assert!(!Position::revision(1).can_follow(&Position::revision(2)));
    }
}
