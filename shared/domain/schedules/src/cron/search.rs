//! The next wall-clock time that matches, and its instant.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::Cron;

impl Cron {
    /// The first fire strictly after `after`.
    ///
    /// A wall-clock time that the clock skips does not fire; one that comes twice fires the first
    /// time. So a schedule of every 15 minutes pauses for the hour that the clock repeats.
    ///
    /// Bounded: it looks at each of the 2,760 months at most once, at each day of a month that
    /// matches, and past the minutes of a skipped or repeated stretch one by one.
    pub(crate) fn next_after(&self, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
        // Fires come in the order of their wall-clock times, so none is before the present one.
        let wall = zone.to_datetime(after);
        self.wall_times_from(wall)
            .filter_map(|wall| instant(zone, wall))
            .find(|instant| *instant > after)
    }

    /// Whether any day of any year matches.
    pub(super) fn matches_a_day(&self) -> bool {
        self.days_from(Date::MIN).next().is_some()
    }

    /// The wall-clock times that match, in order, from the minute of `from` on.
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

    /// The days that match, in order, from `from` on.
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

/// The instant of a wall-clock time: the first of two, none if the clock skips it.
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
