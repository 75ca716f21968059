//! Time zones by name, from the compiled-in database.

use std::fmt;

use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::error::TimingError;

/// The minimum similarity of an unknown name to a known one that is suggested instead.
const LIKENESS_MIN: f64 = 0.8;

/// A time zone of the IANA database. The database is compiled into the program, so it is the same
/// on every host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    name: String,
    rules: TimeZone,
}

impl Zone {
    /// Returns Coordinated Universal Time, the default zone of a schedule.
    #[must_use]
    pub fn utc() -> Self {
        Self { name: "UTC".to_owned(), rules: TimeZone::UTC }
    }

    /// Returns the zone of this name, which is case-insensitive.
    ///
    /// # Errors
    /// Returns [`TimingError::Zone`], with the nearest known name, where the zone is unknown.
    pub fn named(name: &str) -> Result<Self, TimingError> {
        let found = TimeZoneDatabase::bundled().get(name).ok();
        let known = found.filter(|rules| !rules.is_unknown());
        match known {
            Some(rules) => {
                let name = rules.iana_name().unwrap_or(name).to_owned();
                Ok(Self { name, rules })
            }
            None => Err(TimingError::Zone { name: name.to_owned(), nearest: nearest(name) }),
        }
    }

    /// Returns the name in the spelling of the database.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn rules(&self) -> &TimeZone {
        &self.rules
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// Returns the known name most similar to this one, as a whole or in its last part: `Berlin` is
/// `Europe/Berlin`.
fn nearest(name: &str) -> Option<String> {
    let asked: String = name.trim().chars().take(64).collect();
    let asked = asked.replace(' ', "_").to_ascii_lowercase();
    let likeness = |known: &str| {
        let known = known.to_ascii_lowercase();
        let place = known.rsplit('/').next().unwrap_or(&known);
        strsim::jaro_winkler(&asked, &known).max(strsim::jaro_winkler(&asked, place))
    };
    TimeZoneDatabase::bundled()
        .available()
        .map(|known| (likeness(known.as_str()), known.as_str().to_owned()))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .max_by(|(a, first), (b, second)| a.total_cmp(b).then_with(|| second.cmp(first)))
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_found_in_any_case_and_spelt_as_the_database_does() {
        for (asked, name) in [
            ("europe/berlin", "Europe/Berlin"),
            ("America/New_York", "America/New_York"),
            ("utc", "UTC"),
            ("Etc/GMT+5", "Etc/GMT+5"),
        ] {
            assert_eq!(Zone::named(asked).unwrap().name(), name);
        }
    }

    #[test]
    fn an_unknown_zone_is_answered_with_the_nearest() {
        for (asked, nearest) in [
            ("Europe/Berln", Some("Europe/Berlin")),
            ("Berlin", Some("Europe/Berlin")),
            ("New York", Some("America/New_York")),
            ("America/NewYork", Some("America/New_York")),
            ("", None),
            ("!", None),
        ] {
            let error = Zone::named(asked).unwrap_err();
            let TimingError::Zone { name, nearest: found } = error else { panic!("{error}") };
            assert_eq!(name, asked);
            assert_eq!(found.as_deref(), nearest, "for `{asked}`");
        }
    }

    #[test]
    fn the_zone_that_stands_for_none_is_none() {
        assert!(Zone::named("Etc/Unknown").is_err());
    }
}
