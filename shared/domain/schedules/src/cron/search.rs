//! The search for the next matching wall-clock time, and its instant.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::Cron;

impl Cron {
    /// Returns the first fire strictly after `after`.
    ///
    /// A wall-clock time that the clock skips does not fire. One that occurs twice fires the first
    /// time, so a schedule of every 15 minutes pauses for the hour that the clock repeats.
    ///
    /// The work is bounded: the search visits each of the 2,760 months at most once, each day of a
    /// matching month, and the minutes of a skipped or repeated period one by one.
    pub(crate) fn next_after(&self, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
        // Fires are in the order of their wall-clock times, so none is before the current one.
        let wall = zone.to_datetime(after);
        self.wall_times_from(wall)
            .filter_map(|wall| instant(zone, wall))
            .find(|instant| *instant > after)
    }

    /// Whether any day of any year matches.
    pub(super) fn matches_a_day(&self) -> bool {
        self.days_from(Date::MIN).next().is_some()
    }

    /// Returns the matching wall-clock times in order, from the minute of `from` on.
    fn wall_times_from(&self, from: DateTime) -> impl Iterator<Item = DateTime> + '_ {
        self.days_from(from.date()).flat_map(move |date| {
            let hour = if date == from.date() { from.hour() } else { 0 };
            self.hours.members_from(hour.into()).filter_map(small).flat_map(move |hour| {
                let present = (date, hour) == (from.date(), from.hour());
                let minute = if present { from.minute() } else { 0 };
                self.minutes.members_from(minute.into()).filter_map(small).filter_map(
                    move |minute| Some(date.to_datetime(Time::new(hour, minute, 0, 0).ok()?)),
                )
            })
        })
    }

    /// Returns the matching days in order, from `from` on.
    fn days_from(&self, from: Date) -> impl Iterator<Item = Date> + '_ {
        self.years
            .members_from(from.year())
            .flat_map(move |year| {
                let month = if year == from.year() { from.month() } else { 1 };
                let months = self.months.members_from(month.into()).filter_map(small);
                months.filter_map(move |month| Date::new(year, month, 1).ok())
            })
            .flat_map(|first| self.days.in_month(first))
            .filter(move |date| *date >= from)
    }
}

/// Returns the instant of a wall-clock time: the first one of two, `None` if the clock skips it.
fn instant(zone: &TimeZone, wall: DateTime) -> Option<Timestamp> {
    let ambiguous = zone.to_ambiguous_timestamp(wall);
    match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(wall).ok(),
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(wall).ok(),
        AmbiguousOffset::Gap { .. } => None,
    }
}

fn small(value: i16) -> Option<i8> {
    i8::try_from(value).ok()
}
