"""Allows the addresses of a list that its settings and parameters give."""

import ipaddress
import json
import re
from datetime import datetime, timezone
from typing import Any, Dict, List, Optional


class AIOSv1PolicyRule:
    def __init__(self, rule_id: str, settings: Dict[str, Any], parameters: Dict[str, Any]):
        self.rule_id = rule_id
        self.settings = dict(settings)
        self.parameters = dict(parameters)
        self.local_allowlist = self.settings.get("local_allowlist") or self.parameters.get("local_allowlist", [])
        self._remote: List[str] = self._parse(self.settings.get("remote_allowlist", "[]"))

    def _parse(self, text: str) -> List[str]:
        return [entry for entry in json.loads(text) if re.match(r"^[0-9a-fA-F.:/]+$", entry)]

    def eval(self, parameters: Dict[str, Any], input_data: Dict[str, Any], context: Any) -> Dict[str, Any]:
        local = parameters.get("local_allowlist", self.local_allowlist)
        merged = list(dict.fromkeys([*local, *self._remote]))
        ip: Optional[str] = input_data.get("ip")
        if not ip:
            return {"allowed": False, "input_data": input_data, "reason": "IP missing from input"}
        address = ipaddress.ip_address(ip)
        allowed = any(address in ipaddress.ip_network(entry, strict=False) for entry in merged)
        self.checked_at = datetime.now(timezone.utc).isoformat()
        return {"allowed": allowed, "input_data": input_data, "reason": "allowed" if allowed else "denied"}

    def management(self, action: str, data: dict) -> dict:
        if action == "show":
            return {"status": "success", "allowlist": self.local_allowlist}
        return {"status": "error", "message": f"Unknown action '{action}'"}
