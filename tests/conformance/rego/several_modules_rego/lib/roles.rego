# Who is what.
package lib.roles

is_admin(user) if user in data.directory.admins
