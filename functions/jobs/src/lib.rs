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

    /// What the document says of a route's parameter, against what the route takes.
    fn agrees(path: &str, name: &str, texts: &[&str], takes: impl Fn(&str) -> bool) {
        let document = writ_edge::openapi(SPECS);
        let parameters = document["paths"][path]["get"]["parameters"].as_array().unwrap();
        let parameter = parameters.iter().find(|parameter| parameter["name"] == name).unwrap();
        let mut schema = parameter["schema"].clone();
        schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
        let is_number = schema["type"] == "integer";
        let schema = Schema::compile(&schema).unwrap();
        for text in texts {
            let number = text.parse::<i64>().ok().filter(|_| is_number);
            let value = number.map_or_else(|| json!(text), |number| json!(number));
            let fits = schema.violations(name, &value).is_empty();
            assert_eq!(fits, takes(text), "{name}={text}");
        }
    }

    #[test]
    fn the_document_bounds_a_wait_and_a_tail_as_the_routes_do() {
        let asking = |name: &str, text: &str| {
            let mut request = request(&[], "");
            request.query.push((name.to_owned(), text.to_owned()));
            request
        };
        let waits = ["0", "20", "5s", "007", "21", "-1", "1.5", "s", "", "5m", "5ss", "200"];
        agrees("/jobs/{job_id}", "wait", &waits, |text| {
            crate::wait::duration(&asking("wait", text)).is_ok()
        });
        let tails = ["1", "10000", "0", "10001", "-1", "x", ""];
        agrees("/jobs/{job_id}/logs", "tail", &tails, |text| {
            crate::logs::tail(&asking("tail", text)).is_ok()
        });
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
