//! The workspace that a request about tokens acts in.

use writ_authz::OWN_WORKSPACE;
use writ_edge::{Caller, Param, Request};
use writ_model::{Error, ErrorKind, PrincipalKind, Workspace};

/// The query parameter that names another workspace.
pub(crate) const PARAM: Param = Param {
    name: "workspace",
    description: "another workspace than the caller's own; for the local admin alone",
};

/// The workspace that the query names, else the caller's own.
pub(crate) fn workspace(request: &Request) -> Result<Workspace, Error> {
    let named = request.query(PARAM.name).map(str::parse).transpose();
    let named = named.map_err(|message: String| Error::invalid(message).at("workspace"))?;
    of(&request.caller, named).map_err(|error| error.at("workspace"))
}

/// The named workspace, else the caller's own. The local admin owns the machine that the platform
/// runs on, and so every workspace: the first token of each is made by the local admin.
pub(crate) fn of(caller: &Caller, named: Option<Workspace>) -> Result<Workspace, Error> {
    let own = &caller.identity.workspace;
    let Some(named) = named.filter(|named| named != own) else {
        return Ok(own.clone());
    };
    if caller.principal_kind == PrincipalKind::Local {
        return Ok(named);
    }
    let message = format!(
        "`{}` belongs to workspace `{own}` and may not touch the tokens of `{named}`; an admin of that workspace \
         may, or the local admin",
        caller.identity.subject
    );
    Err(Error { rule: Some(OWN_WORKSPACE.to_owned()), ..Error::new(ErrorKind::Forbidden, message) })
}
