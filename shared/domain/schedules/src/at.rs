//! `at(yyyy-mm-ddThh:mm:ss)`: a one-time schedule.

use std::fmt;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::cron::YEARS;
use crate::error::ExpressionError;

const FORM: &str = "is not a time: write it as `at(2026-01-31T09:30:00)`";
const SHAPE: &[u8; 19] = b"dddd-dd-ddTdd:dd:dd";

/// One wall-clock time, in the time zone of the schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    wall: DateTime,
}

impl At {
    pub(crate) fn parse(body: &str) -> Result<Self, ExpressionError> {
        let refused = |advice: &str| ExpressionError::new("at", body, advice);
        let (head, tail) = body.split_at_checked(SHAPE.len()).unwrap_or((body, ""));
        if !fits(head) {
            return Err(refused(FORM));
        }
        if !tail.is_empty() {
            return Err(refused(
                "goes on after the seconds: write the time alone, as in \
                 `at(2026-01-31T09:30:00)`, and the zone in `timezone`",
            ));
        }
        let wall: DateTime = head
            .parse()
            .map_err(|_| refused("is not in the calendar: write a day and a time that exist"))?;
        // The parser accepts a leap second as the second before it.
        if head.ends_with(":60") {
            return Err(refused("has a second 60: write 00 to 59"));
        }
        if !YEARS.contains(&wall.year()) {
            return Err(refused("is out of bounds: write a year from 1970 to 2199"));
        }
        Ok(Self { wall })
    }

    /// Returns the instant of this wall-clock time.
    ///
    /// A time that the clock skips in spring is moved forward by the length of the gap (02:30 fires
    /// at 03:30). Of a time that occurs twice in autumn, the first one fires. EventBridge documents
    /// neither; to drop a one-time schedule silently would help no user.
    pub(crate) fn instant(self, zone: &TimeZone) -> Option<jiff::Timestamp> {
        zone.to_ambiguous_timestamp(self.wall).compatible().ok()
    }
}

fn fits(head: &str) -> bool {
    head.len() == SHAPE.len()
        && head.bytes().zip(SHAPE).all(|(byte, shape)| match shape {
            b'd' => byte.is_ascii_digit(),
            _ => byte == *shape,
        })
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.wall)
    }
}
