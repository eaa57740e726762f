. "$(dirname "$0")/lib.sh"
need dotnet
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1
$RUN dotnet --info | grep -v -i '^ *base path'
say "exit $?"
