//! The table.

use writ_ports::{
    CallbackSecretStore, CancelTimer, ChangeJob, ChangeSchedule, CollectUploads, CompleteJob,
    ContextStore, CountQueued, CreatePolicy, DeletePolicy, DeleteSchedule, DueJobs, DueSchedules,
    GetBody, GetExecution, GetJob, GetPolicy, GetRevisions, GetSchedule, GetToken, Idempotency,
    JobNotifier, ListTokens, PeekQueue, PutJob, PutSchedule, PutToken, QueryExecutions, QueryJobs,
    QueryPolicies, QuerySchedules, RecordExecution, Redrive, RemoveExpired, ReplacePolicy,
    RevokeToken, ScheduleTimer,
};

use crate::{Grant, Queue, Resource, Row};

const fn on(name: &'static str, action: &'static str) -> Grant {
    Grant { resource: Resource::Table { name, index: None }, action }
}

const fn queries(name: &'static str, index: &'static str) -> Grant {
    Grant { resource: Resource::Table { name, index: Some(index) }, action: "Query" }
}

const fn on_queue(queue: Queue, action: &'static str) -> Grant {
    Grant { resource: Resource::Queue(queue), action }
}

const fn on_timers(action: &'static str) -> Grant {
    Grant { resource: Resource::Timers, action }
}

/// What each port needs.
pub const GRANTS: &[Row] = &[
    (&GetPolicy, &[on("policies", "GetItem")]),
    (&GetBody, &[on("policies", "Query")]),
    (&CreatePolicy, &[on("policies", "PutItem")]),
    (&ReplacePolicy, &[on("policies", "PutItem"), on("policies", "DeleteItem")]),
    (&DeletePolicy, &[on("policies", "DeleteItem"), on("contexts", "DeleteItem")]),
    (
        &QueryPolicies,
        &[
            on("policies", "BatchGetItem"),
            on("policies", "Query"),
            queries("policies", "by_name"),
            queries("policies", "by_version"),
            queries("policies", "by_release_tag"),
            queries("policies", "by_type"),
            queries("policies", "by_tags"),
        ],
    ),
    (&GetRevisions, &[on("policies", "GetItem"), on("policies", "Query")]),
    (
        &RecordExecution,
        &[
            on("executions", "PutItem"),
            on("executions", "GetItem"),
            on("executions", "ConditionCheckItem"),
            on("executions", "DeleteItem"),
        ],
    ),
    (
        &ContextStore,
        &[
            on("contexts", "GetItem"),
            on("contexts", "PutItem"),
            on("policies", "ConditionCheckItem"),
            on("executions", "PutItem"),
            on("executions", "GetItem"),
            on("executions", "ConditionCheckItem"),
            on("executions", "DeleteItem"),
        ],
    ),
    (&GetExecution, &[on("executions", "GetItem"), on("executions", "Query")]),
    (
        &QueryExecutions,
        &[
            on("executions", "BatchGetItem"),
            on("executions", "Query"),
            queries("executions", "by_time"),
            queries("executions", "by_policy"),
        ],
    ),
    (&PutJob, &[on("jobs", "PutItem"), on("jobs", "GetItem")]),
    (
        &GetJob,
        &[
            on("jobs", "GetItem"),
            on("jobs", "Query"),
            on("executions", "GetItem"),
            on("executions", "Query"),
        ],
    ),
    (
        &QueryJobs,
        &[
            on("jobs", "BatchGetItem"),
            on("jobs", "Query"),
            queries("jobs", "by_time"),
            queries("jobs", "by_policy"),
            queries("jobs", "by_outcome"),
            on("executions", "GetItem"),
            on("executions", "Query"),
        ],
    ),
    (&CountQueued, &[queries("jobs", "by_line")]),
    (&ChangeJob, &[on("jobs", "UpdateItem")]),
    (
        &CompleteJob,
        &[
            on("jobs", "UpdateItem"),
            on("contexts", "PutItem"),
            on("policies", "ConditionCheckItem"),
            on("executions", "PutItem"),
            on("executions", "GetItem"),
            on("executions", "ConditionCheckItem"),
            on("executions", "DeleteItem"),
        ],
    ),
    (&PeekQueue, &[queries("jobs", "by_line")]),
    (&DueJobs, &[queries("jobs", "by_due")]),
    (&CallbackSecretStore, &[on("jobs", "GetItem"), on("jobs", "PutItem")]),
    (&PutSchedule, &[on("schedules", "PutItem"), on("schedules", "GetItem")]),
    (&GetSchedule, &[on("schedules", "GetItem")]),
    (&ChangeSchedule, &[on("schedules", "PutItem")]),
    (&DeleteSchedule, &[on("schedules", "DeleteItem")]),
    (&QuerySchedules, &[on("schedules", "BatchGetItem"), queries("schedules", "by_name")]),
    (&DueSchedules, &[queries("schedules", "by_due")]),
    (
        &Idempotency,
        &[
            on("idempotency", "PutItem"),
            on("idempotency", "UpdateItem"),
            on("idempotency", "DeleteItem"),
            on("idempotency", "Query"),
        ],
    ),
    (&GetToken, &[on("tokens", "GetItem")]),
    (&PutToken, &[on("tokens", "PutItem"), on("tokens", "GetItem")]),
    (&ListTokens, &[queries("tokens", "by_workspace")]),
    (&RevokeToken, &[on("tokens", "DeleteItem")]),
    (
        &CollectUploads,
        &[
            on("executions", "Query"),
            on("executions", "UpdateItem"),
            on("executions", "GetItem"),
            on("executions", "DeleteItem"),
        ],
    ),
    (
        &RemoveExpired,
        &[
            on("idempotency", "Scan"),
            on("idempotency", "GetItem"),
            on("idempotency", "PutItem"),
            on("idempotency", "DeleteItem"),
        ],
    ),
    (&JobNotifier, &[on_queue(Queue::Jobs, "SendMessage")]),
    (
        &Redrive,
        &[
            on_queue(Queue::Dead, "ReceiveMessage"),
            on_queue(Queue::Dead, "DeleteMessage"),
            on_queue(Queue::Jobs, "SendMessage"),
        ],
    ),
    (
        &ScheduleTimer,
        &[
            on_timers("CreateSchedule"),
            on_timers("UpdateSchedule"),
            on_timers("DeleteSchedule"),
            Grant { resource: Resource::TimerRole, action: "PassRole" },
        ],
    ),
    (&CancelTimer, &[on_timers("DeleteSchedule")]),
];
