//! The event of the function that fires schedules.

use serde_json::Value;
use writ_model::{Error, Timestamp, Workspace};

/// The reason of the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The timer of one fire went off.
    Fire {
        /// The workspace that the schedule belongs to.
        workspace: Workspace,
        /// The name of the schedule.
        name: String,
        /// The time of the fire.
        scheduled_for: Timestamp,
    },
    /// A minute has gone by: all schedules are checked.
    All,
}

impl Event {
    /// Reads the event: that of a timer has a `name`.
    ///
    /// # Errors
    /// A timer that does not name its fire.
    pub fn read(event: &str) -> Result<Self, Error> {
        let event: Value = serde_json::from_str(event).map_err(Error::internal)?;
        let text = |name| event.get(name).and_then(Value::as_str);
        let Some(name) = text("name") else { return Ok(Self::All) };
        let fire = || {
            Some(Self::Fire {
                workspace: text("workspace")?.parse().ok()?,
                name: name.to_owned(),
                scheduled_for: text("scheduled_for")?.parse().ok()?,
            })
        };
        fire().ok_or_else(|| Error::internal(format!("`{event}` is no fire of a timer")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_names_its_fire_and_an_event_without_a_name_is_for_all() {
        let planned = r#"{"workspace": "a", "name": "n", "scheduled_for": "2026-03-22T18:59:43Z"}"#;
        let fire = Event::Fire {
            workspace: "a".parse().unwrap(),
            name: "n".to_owned(),
            scheduled_for: "2026-03-22T18:59:43Z".parse().unwrap(),
        };
        assert_eq!(Event::read(planned), Ok(fire));
        for all in ["{}", r#"{"source": "aws.scheduler"}"#, "null"] {
            assert_eq!(Event::read(all), Ok(Event::All));
        }
        for broken in ["", r#"{"name": "n"}"#, &planned.replace("18:59", "99:99")] {
            assert!(Event::read(broken).is_err(), "{broken}");
        }
    }
}
