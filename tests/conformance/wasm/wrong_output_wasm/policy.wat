;; Returns what its own schema refuses.
(module
  (memory (export "memory") 1)
  (global $next (mut i32) (i32.const 4096))
  ;; Gives out memory and never takes it back: a run's memory is gone after it.
  (func (export "writ_alloc") (param $length i32) (result i32)
    (global.get $next)
    (global.set $next (i32.add (global.get $next) (local.get $length))))
  ;; Where an answer is: its address in the upper half, its length in the lower.
  (func $at (param $address i32) (param $length i32) (result i64)
    (i64.or
      (i64.shl (i64.extend_i32_u (local.get $address)) (i64.const 32))
      (i64.extend_i32_u (local.get $length))))
  (func $eval (export "eval") (param $argument i32) (param $length i32) (result i64)
    (call $at (i32.const 16) (i32.const 15)))
  (data (i32.const 16) "{\"allowed\": 1 }"))
