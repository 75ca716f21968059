//! When a schedule fires: rate, cron and at expressions in their time zones.
