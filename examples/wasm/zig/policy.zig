//! Allows a request if its address is on the operator's list or on the caller's.
const std = @import("std");

const gpa = std.heap.wasm_allocator;

/// The members of the platform's argument that this policy reads.
const Argument = struct {
    input: Raw,
    parameters: struct { local_allowlist: []const []const u8 = &.{} } = .{},
    settings: struct { remote_allowlist: []const []const u8 = &.{} } = .{},
};

const Input = struct { ip: ?[]const u8 = null };

const Decision = struct { allowed: bool, input_data: Raw, reason: []const u8 };

/// JSON text as it is, so that the order of members and the digits of numbers stay.
const Raw = struct {
    text: []const u8,

    pub fn jsonParse(_: std.mem.Allocator, source: anytype, _: std.json.ParseOptions) !Raw {
        _ = try source.peekNextTokenType();
        const start = source.cursor;
        try source.skipValue();
        return .{ .text = source.input[start..source.cursor] };
    }

    pub fn jsonStringify(raw: Raw, out: anytype) !void {
        try out.print("{s}", .{raw.text});
    }
};

const options: std.json.ParseOptions = .{ .ignore_unknown_fields = true };

fn decide(text: []const u8) !Decision {
    const argument = try std.json.parseFromSliceLeaky(Argument, gpa, text, options);
    const input = try std.json.parseFromSliceLeaky(Input, gpa, argument.input.text, options);
    const ip = input.ip orelse
        return .{ .allowed = false, .input_data = argument.input, .reason = "IP missing from the input" };
    const allowed = contains(argument.settings.remote_allowlist, ip) or
        contains(argument.parameters.local_allowlist, ip);
    return .{ .allowed = allowed, .input_data = argument.input, .reason = if (allowed) "allowed" else "denied" };
}

fn contains(list: []const []const u8, ip: []const u8) bool {
    for (list) |address| {
        if (std.mem.eql(u8, address, ip)) return true;
    }
    return false;
}

fn run(text: []const u8) ![]const u8 {
    return std.json.Stringify.valueAlloc(gpa, try decide(text), .{});
}

// The interface to the platform, the same for every policy.

extern "writ" fn fail(message: [*]const u8, length: usize) noreturn;

/// Allocates memory for the argument, which the platform writes.
export fn writ_alloc(length: usize) ?[*]u8 {
    const memory = gpa.alloc(u8, length) catch return null;
    return memory.ptr;
}

/// Runs the policy. Returns the location of the output: its address in the upper half, its length in
/// the lower half.
export fn eval(argument: [*]const u8, length: usize) u64 {
    const output = run(argument[0..length]) catch |err| {
        const name = @errorName(err);
        fail(name.ptr, name.len);
    };
    return @as(u64, @intFromPtr(output.ptr)) << 32 | output.len;
}
