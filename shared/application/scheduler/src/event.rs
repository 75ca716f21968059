//! What the function that fires schedules is called with.

use serde_json::Value;
use writ_model::{Error, Timestamp, Workspace};

/// Why we are woken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A fire that was planned.
    Fire {
        /// Whose schedule.
        workspace: Workspace,
        /// Which.
        name: String,
        /// Which fire.
        scheduled_for: Timestamp,
    },
    /// Time has gone by.
    All,
}

impl Event {
    /// Reads the event: what was planned has a `name`.
    ///
    /// # Errors
    /// A plan that says not what it is for.
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
        fire().ok_or_else(|| Error::internal(format!("`{event}` is no fire that was planned")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_says_which_fire_it_is_for_and_whatever_has_no_name_is_for_all() {
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
