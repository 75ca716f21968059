//! Jobs: one file per route.

mod callback_secret;
mod cancel;
mod change;
mod document;
mod get;
mod logs;
mod new_job;
mod notify;
mod query;
mod redrive;
mod retry;
mod rotate_callback_secret;
mod secrets;
mod submission;
mod submit;
mod submit_any;
mod wait;

#[cfg(test)]
mod fixture;

writ_edge::binary! {
    /// Records jobs, after workers have applied the schemas of their policies.
    jobs_submit = "jobs-submit" serves [submit, submit_any]
}

writ_edge::binary! {
    /// Shows jobs and changes them; none of its routes takes a worker.
    jobs = "jobs" serves [
            query, redrive, callback_secret, rotate_callback_secret, get, cancel, retry, logs,
        ]
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use writ_edge::AccessLevel;
    use writ_model::JobStatus;
    use writ_schema::Schema;

    use writ_testing::MemoryPlatform;

    use super::jobs::{SPECS, routes};
    use crate::fixture::{Jobs, data, request};

    #[test]
    fn what_the_reference_page_needs_is_defined() {
        assert_eq!(writ_edge::undefined_names(SPECS), Vec::<String>::new());
    }

    /// What the reference page says of `schema` against what is sent; and no member beyond it.
    fn fits(schema: &str, sent: &Value) {
        let components = writ_edge::openapi(SPECS)["components"].take();
        let known = components["schemas"][schema]["properties"].as_object().unwrap();
        for name in sent.as_object().unwrap().keys() {
            assert!(known.contains_key(name), "`{name}` of {schema}");
        }
        let document = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$ref": format!("#/components/schemas/{schema}"),
            "components": components,
        });
        let faults = Schema::compile(&document).unwrap().violations(schema, sent);
        assert_eq!(faults, [], "{sent}");
    }

    #[tokio::test]
    async fn what_is_sent_is_what_the_reference_page_says() {
        let ports = MemoryPlatform::default();
        ports.queue_with_callback("j1", "https://a.example");
        ports.lose("j2");
        ports.finish("j3", JobStatus::Completed);
        ports.set_attempts("j3", &[Some("x"), None]);
        for job_id in ["j1", "j2", "j3"] {
            let asked = request(&[("job_id", job_id)], "");
            fits("Job", &data(&crate::get::handle(&ports, asked.clone()).await.unwrap()));
            fits("JobLogs", &data(&crate::logs::handle(&ports, asked.clone()).await.unwrap()));
        }
        let asked = request(&[("job_id", "j1")], "");
        fits("Job", &data(&crate::cancel::handle(&ports, asked).await.unwrap()));
        let asked = request(&[], "");
        fits("Redriven", &data(&crate::redrive::handle(&ports, asked.clone()).await.unwrap()));
        for _ in 0..2 {
            let rotated = crate::rotate_callback_secret::handle(&ports, asked.clone()).await;
            fits("CallbackSecrets", &data(&rotated.unwrap()));
        }
    }

    #[test]
    fn every_route_is_served_and_secrets_are_for_admins() {
        let served: Vec<_> =
            routes::<MemoryPlatform>().iter().map(|route| route.spec.name.to_owned()).collect();
        assert_eq!(served.len(), SPECS.len());
        for spec in SPECS {
            let is_about_secrets = spec.name.ends_with("callback_secret");
            assert_eq!(spec.access_level == AccessLevel::Admin, is_about_secrets, "{}", spec.name);
        }
    }
}
