//! The committed templates and example events held against the code: the route table, the API's document, the ports
//! that handlers name, the tables.

#[cfg(test)]
mod committed;
#[cfg(test)]
mod events;
#[cfg(test)]
mod functions;
#[cfg(test)]
mod jobs;
#[cfg(test)]
mod parameters;
#[cfg(test)]
mod programs;
#[cfg(test)]
mod routes;
#[cfg(test)]
mod statements;
#[cfg(test)]
mod template;
