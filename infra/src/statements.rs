//! The statements of a role.

use std::collections::{BTreeMap, BTreeSet};

use writ_sqs::grants::{self as queues, Queue};
use writ_store::grants::{Action, Grant};

use crate::ports::Needs;

/// What these ports need between them.
#[must_use]
pub fn needed(needs: &Needs) -> BTreeSet<Grant> {
    needs.iter().flat_map(|(_, grants)| grants.iter().copied()).collect()
}

/// What these ports ask of the queues between them.
#[must_use]
pub fn needed_of_queues(needs: &Needs) -> BTreeSet<queues::Grant> {
    needs.iter().filter_map(|(port, _)| queues::of(port)).flatten().copied().collect()
}

/// The parameter that holds a queue's ARN.
#[must_use]
pub fn arn_of(queue: Queue) -> &'static str {
    match queue {
        Queue::Jobs => "JobsArn",
        Queue::Dead => "DeadArn",
    }
}

/// The statements that allow just this on queues, one for each queue.
#[must_use]
pub fn queue_statements(grants: &BTreeSet<queues::Grant>) -> String {
    let mut text = String::new();
    for queue in [Queue::Jobs, Queue::Dead] {
        let actions: BTreeSet<queues::Action> =
            grants.iter().filter(|(on, _)| *on == queue).map(|(_, action)| *action).collect();
        if actions.is_empty() {
            continue;
        }
        text.push_str("              - Effect: Allow\n                Action:\n");
        for action in actions {
            text.push_str(&format!("                  - sqs:{}\n", action.name()));
        }
        text.push_str(&format!("                Resource: !Ref {}\n", arn_of(queue)));
    }
    text
}

/// The statements that allow just this, as lines of a policy document: one for each set of actions,
/// on every table and index that needs that set.
#[must_use]
pub fn statements(grants: &BTreeSet<Grant>) -> String {
    let mut actions: BTreeMap<(&str, Option<&str>), BTreeSet<Action>> = BTreeMap::new();
    for grant in grants {
        actions.entry((grant.table, grant.index)).or_default().insert(grant.action);
    }
    let mut resources: BTreeMap<BTreeSet<Action>, Vec<(&str, Option<&str>)>> = BTreeMap::new();
    for (resource, actions) in actions {
        resources.entry(actions).or_default().push(resource);
    }
    let mut text = String::new();
    for (actions, resources) in resources {
        text.push_str("              - Effect: Allow\n                Action:\n");
        for action in actions {
            text.push_str(&format!("                  - dynamodb:{}\n", action.name()));
        }
        text.push_str("                Resource:\n");
        for (table, index) in resources {
            let index = index.map(|index| format!("/index/{index}")).unwrap_or_default();
            text.push_str(&format!("                  - !Sub ${{TableArnPrefix}}{table}{index}\n"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_the_same_actions_stands_in_one_statement() {
        let on = |table, index, action| Grant { table, index, action };
        let grants = BTreeSet::from([
            on("a", None, Action::GetItem),
            on("b", None, Action::GetItem),
            on("b", None, Action::PutItem),
            on("a", Some("by_x"), Action::Query),
            on("a", Some("by_y"), Action::Query),
        ]);
        let lines: Vec<String> =
            statements(&grants).lines().map(|line| line.trim().to_owned()).collect();
        assert_eq!(
            lines.join(" "),
            "- Effect: Allow Action: - dynamodb:GetItem Resource: - !Sub ${TableArnPrefix}a \
             - Effect: Allow Action: - dynamodb:GetItem - dynamodb:PutItem Resource: - !Sub ${TableArnPrefix}b \
             - Effect: Allow Action: - dynamodb:Query Resource: - !Sub ${TableArnPrefix}a/index/by_x \
             - !Sub ${TableArnPrefix}a/index/by_y"
        );
        assert_eq!(statements(&BTreeSet::new()), "");
    }

    #[test]
    fn each_queue_has_a_statement_of_its_own() {
        let grants: BTreeSet<queues::Grant> = ["JobNotifier", "Redrive"]
            .iter()
            .filter_map(|port| queues::of(port))
            .flatten()
            .copied()
            .collect();
        let lines: Vec<String> =
            queue_statements(&grants).lines().map(|line| line.trim().to_owned()).collect();
        assert_eq!(
            lines.join(" "),
            "- Effect: Allow Action: - sqs:SendMessage Resource: !Ref JobsArn \
             - Effect: Allow Action: - sqs:DeleteMessage - sqs:ReceiveMessage Resource: !Ref DeadArn"
        );
        assert_eq!(queue_statements(&BTreeSet::new()), "");
    }
}
