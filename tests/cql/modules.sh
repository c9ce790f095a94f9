# What the server and its tools need to see of Java 17, added to `flags`. Sourced by node.sh and tool.sh.
for module in java.base/jdk.internal.misc java.base/jdk.internal.ref java.base/sun.nio.ch java.base/java.lang.ref \
  java.management.rmi/com.sun.jmx.remote.internal.rmi java.rmi/sun.rmi.registry java.rmi/sun.rmi.server \
  java.sql/java.sql jdk.unsupported/sun.misc; do
  flags+=(--add-exports "$module=ALL-UNNAMED")
done
for module in java.lang java.lang.module java.io java.net java.nio java.util java.util.concurrent \
  java.util.concurrent.atomic sun.nio.ch jdk.internal.loader jdk.internal.ref jdk.internal.reflect \
  jdk.internal.math jdk.internal.module jdk.internal.util.jar; do
  flags+=(--add-opens "java.base/$module=ALL-UNNAMED")
done
flags+=(--add-opens jdk.management/com.sun.management.internal=ALL-UNNAMED)
