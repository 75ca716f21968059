;; Prints, and fails when its input is a short one.
(module
  (import "writ" "print" (func $print (param i32 i32)))
  (import "writ" "fail" (func $fail (param i32 i32)))
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
    (call $print (i32.const 16) (i32.const 10))
    ;; The input stands last: a digit is followed by the object's end.
    (if (i32.eq
          (i32.load8_u (i32.sub (i32.add (local.get $argument) (local.get $length)) (i32.const 2)))
          (i32.const 48))
      (then (call $fail (i32.const 32) (i32.const 15))))
    (call $at (i32.const 48) (i32.const 17)))
  (data (i32.const 16) "grün \e2\9c\93\n")
  (data (i32.const 32) "zero is no list")
  (data (i32.const 48) "{ \"fine\" : true }"))
