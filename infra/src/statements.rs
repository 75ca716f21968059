//! The statements of a role, as lines of a policy document.

use std::collections::{BTreeMap, BTreeSet};

use writ_grants::{Grant, Queue, Resource};

/// The parameter that holds a queue's ARN.
#[must_use]
pub fn arn_of(queue: Queue) -> &'static str {
    match queue {
        Queue::Jobs => "JobsArn",
        Queue::Dead => "DeadArn",
    }
}

/// The statements that allow just this on tables and on queues of jobs.
#[must_use]
pub fn statements(grants: &BTreeSet<Grant>) -> String {
    of_tables(grants) + &of_queues(grants)
}

/// One statement for each set of actions, on every table and index that needs that set.
fn of_tables(grants: &BTreeSet<Grant>) -> String {
    let mut actions: BTreeMap<(&str, Option<&str>), BTreeSet<&str>> = BTreeMap::new();
    for grant in grants {
        if let Resource::Table { name, index } = grant.resource {
            actions.entry((name, index)).or_default().insert(grant.action);
        }
    }
    let mut resources: BTreeMap<BTreeSet<&str>, Vec<(&str, Option<&str>)>> = BTreeMap::new();
    for (resource, actions) in actions {
        resources.entry(actions).or_default().push(resource);
    }
    let mut text = String::new();
    for (actions, resources) in resources {
        text.push_str("              - Effect: Allow\n                Action:\n");
        for action in actions {
            text.push_str(&format!("                  - dynamodb:{action}\n"));
        }
        text.push_str("                Resource:\n");
        for (table, index) in resources {
            let index = index.map(|index| format!("/index/{index}")).unwrap_or_default();
            text.push_str(&format!("                  - !Sub ${{TableArnPrefix}}{table}{index}\n"));
        }
    }
    text
}

/// One statement for each queue.
fn of_queues(grants: &BTreeSet<Grant>) -> String {
    let mut text = String::new();
    for queue in [Queue::Jobs, Queue::Dead] {
        let actions = actions_on(grants, Resource::Queue(queue));
        if actions.is_empty() {
            continue;
        }
        text.push_str("              - Effect: Allow\n                Action:\n");
        for action in actions {
            text.push_str(&format!("                  - {action}\n"));
        }
        text.push_str(&format!("                Resource: !Ref {}\n", arn_of(queue)));
    }
    text
}

/// The statements that allow just this on the timers of schedules, in the group that the logical name
/// or the parameter `group` refers to.
///
/// A caller that hands EventBridge Scheduler a role has to be allowed to pass that role.
#[must_use]
pub fn timer_statements(grants: &BTreeSet<Grant>, group: &str) -> String {
    let mut text = String::new();
    let timers = actions_on(grants, Resource::Timers);
    if !timers.is_empty() {
        text.push_str(&format!(
            "              - Effect: Allow\n                Action: {}\n                Resource: !Sub \
             arn:${{AWS::Partition}}:scheduler:${{AWS::Region}}:${{AWS::AccountId}}:schedule/${{{group}}}/*\n",
            one_or_list(&timers)
        ));
    }
    let role = actions_on(grants, Resource::TimerRole);
    if !role.is_empty() {
        text.push_str(&format!(
            "              - Effect: Allow\n                Action: {}\n                Resource: !Sub ${{FireRoleArn}}\n\
             {:16}Condition:\n{:18}StringEquals: {{iam:PassedToService: scheduler.amazonaws.com}}\n",
            one_or_list(&role), "", ""
        ));
    }
    text
}

/// The actions on a resource, with their service, in alphabetical order.
fn actions_on(grants: &BTreeSet<Grant>, resource: Resource) -> Vec<String> {
    grants.iter().filter(|grant| grant.resource == resource).map(Grant::action_name).collect()
}

fn one_or_list(actions: &[String]) -> String {
    match actions {
        [one] => one.clone(),
        several => format!("[{}]", several.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> String {
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn grants_of(ports: &[&str]) -> BTreeSet<Grant> {
        ports.iter().filter_map(|port| writ_grants::of(port)).flatten().copied().collect()
    }

    #[test]
    fn what_needs_the_same_actions_stands_in_one_statement() {
        let on = |name, index, action| Grant { resource: Resource::Table { name, index }, action };
        let grants = BTreeSet::from([
            on("a", None, "GetItem"),
            on("b", None, "GetItem"),
            on("b", None, "PutItem"),
            on("a", Some("by_x"), "Query"),
            on("a", Some("by_y"), "Query"),
        ]);
        assert_eq!(
            words(&statements(&grants)),
            "- Effect: Allow Action: - dynamodb:GetItem Resource: - !Sub ${TableArnPrefix}a \
             - Effect: Allow Action: - dynamodb:GetItem - dynamodb:PutItem Resource: - !Sub ${TableArnPrefix}b \
             - Effect: Allow Action: - dynamodb:Query Resource: - !Sub ${TableArnPrefix}a/index/by_x \
             - !Sub ${TableArnPrefix}a/index/by_y"
        );
        assert_eq!(statements(&BTreeSet::new()), "");
    }

    #[test]
    fn each_queue_has_a_statement_of_its_own() {
        assert_eq!(
            words(&statements(&grants_of(&["JobNotifier", "Redrive"]))),
            "- Effect: Allow Action: - sqs:SendMessage Resource: !Ref JobsArn \
             - Effect: Allow Action: - sqs:DeleteMessage - sqs:ReceiveMessage Resource: !Ref DeadArn"
        );
    }

    #[test]
    fn timers_are_changed_in_their_group_and_their_role_is_passed_to_the_scheduler_alone() {
        let place =
            "arn:${AWS::Partition}:scheduler:${AWS::Region}:${AWS::AccountId}:schedule/${G}/*";
        assert_eq!(
            words(&timer_statements(&grants_of(&["CancelTimer"]), "G")),
            format!("- Effect: Allow Action: scheduler:DeleteSchedule Resource: !Sub {place}")
        );
        assert_eq!(
            words(&timer_statements(&grants_of(&["ScheduleTimer"]), "G")),
            format!(
                "- Effect: Allow Action: [scheduler:CreateSchedule, scheduler:DeleteSchedule, \
                 scheduler:UpdateSchedule] Resource: !Sub {place} - Effect: Allow Action: iam:PassRole \
                 Resource: !Sub ${{FireRoleArn}} Condition: StringEquals: \
                 {{iam:PassedToService: scheduler.amazonaws.com}}"
            )
        );
        assert_eq!(timer_statements(&grants_of(&["GetPolicy"]), "G"), "");
    }
}
